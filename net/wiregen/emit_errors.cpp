// The header each_error.h: which errors an answer holds, at any depth.

#include <algorithm>

#include <fmt/format.h>

#include "net/wiregen/cpp_names.h"
#include "net/wiregen/emit.h"

namespace flux::wiregen {
namespace {

bool tells_errors(const std::vector<Field>& fields, const Message& message) {
  return std::ranges::any_of(fields, [&](const Field& field) {
    if (field.base != Base::structure) return field.domain == "ErrorCode";
    return tells_errors(message.find(field.structure).fields, message);
  });
}

// Statements that show the errors among the members of `owner`; what is in an array or may be null
// has a block of its own, and is named after its depth.
std::string visits(const std::vector<Field>& fields, const Message& message,
                   const std::string& owner, int depth) {
  const std::string indent(static_cast<std::size_t>(2 * depth), ' ');
  const std::string inner = fmt::format("in{}", depth);
  std::string out;
  for (const Field& field : fields) {
    if (!tells_errors({field}, message)) continue;
    const std::string name = fmt::format("{}.{}", owner, field.name);
    if (field.is_nullable()) out += fmt::format("{}if ({})\n", indent, name);
    const std::string value = (field.is_nullable() ? "*" : "") + name;
    const bool leaf = field.base != Base::structure;
    if (leaf && !field.array) {
      out += fmt::format("{}see({});\n", indent, value);
      continue;
    }
    out += field.array ? fmt::format("{}for (const auto& {} : {}) {{\n", indent, inner, value)
                       : fmt::format("{0}{{\n{0}  const auto& {1} = {2};\n", indent, inner, value);
    out += leaf ? fmt::format("{}  see({});\n", indent, inner)
                : visits(message.find(field.structure).fields, message, inner, depth + 1);
    out += indent + "}\n";
  }
  return out;
}

}  // namespace

std::string emit_errors(const Schema& schema) {
  std::string out(kGeneratedBy);
  out +=
      "// each_error(answer, see): see(WireError) for each error in an answer, `none` too. An\n"
      "// answer that cannot hold one has no such function. Its own header is the caller's.\n"
      "#pragma once\n\n#include <concepts>\n\nnamespace flux::kafka {\n";
  for (const Definition& definition : schema.definitions) {
    for (const Message& message : definition.messages) {
      if (!message.name.ends_with("_response") || !tells_errors(message.fields, message)) continue;
      out += fmt::format(
          "\nstruct {0};\n"
          "template <std::same_as<{0}> Answer, class See>\n"
          "void each_error(const Answer& answer, See&& see) {{\n"
          "{1}"
          "}}\n",
          message.cpp_name, visits(message.fields, message, "answer", 1));
    }
  }
  return out + "\n}  // namespace flux::kafka\n";
}

}  // namespace flux::wiregen
