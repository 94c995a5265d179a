#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace flux {
namespace {

constinit CheckHook check_hook = nullptr;

[[noreturn]] void finish(const CheckSite& site) {
  // A CHECK that fails inside the hook must not call it again.
  if (CheckHook hook = check_hook) {
    check_hook = nullptr;
    hook(site);
  }
  std::abort();
}

}  // namespace

void set_check_hook(CheckHook hook) { check_hook = hook; }

void check_failed(const CheckSite& site, std::string_view note) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s%s%.*s\n", site.file, site.line, site.expression,
               note.empty() ? "" : ": ", static_cast<int>(note.size()), note.data());
  finish(site);
}

void check_op_failed(const CheckSite& site, long long left, long long right) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s (%lld against %lld)\n", site.file, site.line,
               site.expression, left, right);
  finish(site);
}

}  // namespace flux
