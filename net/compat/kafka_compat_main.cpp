// kafka_compat: prints docs/kafka_compat.md.

#include <cstdio>
#include <string>

#include "net/compat/page.h"

int main() {
  const std::string page = flux::compat::kafka_compat_page();
  return std::fwrite(page.data(), 1, page.size(), stdout) == page.size() ? 0 : 1;
}
