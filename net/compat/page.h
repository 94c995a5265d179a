// The page that tells a Kafka user what works (docs/kafka_compat.md), made from the tables that the
// broker runs by: what is served is what is listed.
#pragma once

#include <string>

namespace flux::compat {

std::string kafka_compat_page();

}  // namespace flux::compat
