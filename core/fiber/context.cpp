#include "core/fiber/context.h"

#include <boost/context/detail/fcontext.hpp>

#include "core/base/check.h"
#include "core/fiber/sanitizer.h"

namespace flux::fiber {

namespace ctx = boost::context::detail;

struct Context::Entry {
  static void run(ctx::transfer_t from) {
    auto* self = static_cast<Context*>(from.data);
    self->outside_ = from.fctx;
    finish_switch(nullptr, &self->outside_bottom_, &self->outside_bytes_);
    self->entry_(self->argument_);
    UNREACHABLE("a context's entry returned");
  }
};

void Context::prepare(const Stack& stack, ContextEntry entry, void* argument) {
  stack_ = stack;
  entry_ = entry;
  argument_ = argument;
  fake_stack_inside_ = nullptr;
  unpoison(stack.bottom, stack.bytes);
  inside_ = ctx::make_fcontext(stack.bottom + stack.bytes, stack.bytes, &Entry::run);
}

void Context::resume() {
  void* fake_stack_outside = nullptr;
  start_switch(&fake_stack_outside, stack_.bottom, stack_.bytes);
  const ctx::transfer_t back = ctx::jump_fcontext(inside_, this);
  inside_ = back.fctx;
  finish_switch(fake_stack_outside, nullptr, nullptr);
}

void Context::switch_out(void** fake_stack) {
  start_switch(fake_stack, outside_bottom_, outside_bytes_);
  const ctx::transfer_t back = ctx::jump_fcontext(outside_, this);
  outside_ = back.fctx;
  finish_switch(fake_stack_inside_, &outside_bottom_, &outside_bytes_);
}

void Context::suspend() { switch_out(&fake_stack_inside_); }

void Context::leave() {
  // A null place to save tells the sanitizer that this stack's frames are gone.
  switch_out(nullptr);
  UNREACHABLE("a context that has left was resumed");
}

}  // namespace flux::fiber
