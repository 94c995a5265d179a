// Properties: the text format of server.properties (java.util.Properties), as pairs in file order.
//
// Kept: '#' and '!' comments, '=', ':' or blanks between key and value, a backslash before a line's
// end to go on, and the escapes \t \n \r \f \\ \: \= \# \!. Refused: \u escapes (names and values
// here are ASCII) and a line without a key.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"

namespace flux::node {

using Properties = std::vector<std::pair<std::string, std::string>>;

// An error names the line.
Result<Properties> parse_properties(std::string_view text);

}  // namespace flux::node
