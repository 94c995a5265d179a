// From a schema to text. Every emitter is a pure function of the schema, so the same definitions
// give the same bytes on every machine.
#pragma once

#include <string>
#include <vector>

#include "net/wiregen/schema.h"

namespace flux::wiregen {

struct OutputFile {
  std::string path;  // below the output folder
  std::string text;
};

// <definition>.h and <definition>.cpp for each definition, and the tables apis.h,
// metadata_records.h and each_error.h.
std::vector<OutputFile> emit_cpp(const Schema& schema);
std::string emit_header(const Definition& definition);
std::string emit_source(const Definition& definition);
std::string emit_api_table(const Schema& schema);
std::string emit_metadata_table(const Schema& schema);
// each_error(): a visit of every error in an answer.
std::string emit_errors(const Schema& schema);

// For tests: each_message() and each_field(), so that one template can make, compare and convert
// values of every message.
std::string emit_reflection(const Schema& schema);

// Everything that a page about the protocol needs, as JSON.
std::string emit_docs(const Schema& schema);

}  // namespace flux::wiregen
