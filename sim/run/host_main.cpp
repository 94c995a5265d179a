#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <poll.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/wait.h>

#include "core/base/check.h"
#include "sim/run/host.h"
#include "sim/run/scenario_file.h"

// Present in sanitizer builds only.
extern "C" [[gnu::weak]] void __sanitizer_set_death_callback(void (*callback)());

namespace flux::sim::host {
namespace {

namespace fs = std::filesystem;

struct CrashState {
  std::uint64_t seed = 0;
  const World* world = nullptr;
  bool reported = false;
};
CrashState crash_state;
std::array<char, 64 << 10> signal_stack;

// Runs where nothing may be allocated: the heap may be what broke.
void report_crash(const char* what) {
  if (std::exchange(crash_state.reported, true)) return;
  std::array<char, 1024> buffer;
  char* end = buffer.data();
  const auto put = [&](const auto&... arguments) {
    const auto room = static_cast<std::size_t>(buffer.data() + buffer.size() - end);
    end = fmt::format_to_n(end, static_cast<std::ptrdiff_t>(room), arguments...).out;
    end = std::min(end, buffer.data() + buffer.size() - 1);
  };
  std::uint64_t hash = 0;
  if (const World* world = crash_state.world) {
    // World's own accessors are not const throughout, and this is the last that happens to it.
    auto* dying = const_cast<World*>(world);
    hash = dying->seam().hash();
    Process* process = dying->current();
    const env::Task* task = process ? process->loop().running() : nullptr;
    put(fmt::runtime("crash {} at {} ms simulated, in {}, fiber {}\n"), what, dying->now().ms(),
        process ? std::string_view(process->name()) : std::string_view("the world"),
        task ? task->name() : std::string_view("none"));
  } else {
    put(fmt::runtime("crash {} before the run began\n"), what);
  }
  put(fmt::runtime("verdict=crash seed={} hash={:016x}\n"), crash_state.seed, hash);
  const auto size = static_cast<std::size_t>(end - buffer.data());
  if (::write(STDOUT_FILENO, buffer.data(), size) < 0) std::abort();
}

void on_signal(int number) {
  report_crash(number == SIGALRM ? "out of wall time" : ::strsignal(number));
  ::_exit(exit_code_of(Verdict::crash));
}

void on_check(const CheckSite& site) {
  std::array<char, 512> what;
  const auto end = fmt::format_to_n(what.data(), what.size() - 1, "CHECK {}:{}: {}", site.file,
                                    site.line, site.expression);
  *end.out = '\0';
  report_crash(what.data());
  ::_exit(exit_code_of(Verdict::crash));
}

void on_sanitizer() {
  report_crash("sanitizer");
  ::_exit(exit_code_of(Verdict::crash));
}

int exit_code(int status) {
  if (WIFEXITED(status)) return WEXITSTATUS(status);
  return 128 + WTERMSIG(status);
}

bool is_scenario(const fs::path& path) {
  return path.extension() == ".json" && path.filename() != "schema.json" &&
         path.filename() != "floors.json";
}

std::string error_text() { return std::strerror(errno); }

void read_into(int from, std::string& to) {
  std::array<char, 65'536> buffer;
  const ssize_t count = ::read(from, buffer.data(), buffer.size());
  if (count > 0) to.append(buffer.data(), static_cast<std::size_t>(count));
}

Ended reap(Child child, std::string output) {
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  ::close(child.output);
  return {exit_code(status), std::move(output)};
}

// As `fluxsim list` calls it, by which its floors are found too; elsewhere the file's own.
std::string name_of_file(const std::string& file) {
  const fs::path listed = fs::relative(file, scenario_folder());
  if (listed.empty() || *listed.begin() == "..") return fs::path(file).stem().string();
  return fs::path(listed).replace_extension().string();
}

}  // namespace

Result<std::string> read_text(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return fail(ErrorCode::not_found, fmt::format("{}: {}", path, error_text()));
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Result<void> write_text(const std::string& path, std::string_view text) {
  std::ofstream out(path, std::ios::binary);
  out.write(text.data(), static_cast<std::streamsize>(text.size()));
  out.close();
  if (!out) return fail(ErrorCode::io_error, fmt::format("{}: {}", path, error_text()));
  return {};
}

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_error(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

std::string scenario_folder() {
  if (fs::is_directory("scenarios")) return "scenarios";
  std::error_code error;
  fs::path above = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (int i = 0; i < 4 && !error; ++i, above = above.parent_path()) {
    for (const char* folder : {"scenarios", "share/flux/scenarios"}) {
      if (fs::is_directory(above / folder)) return (above / folder).string();
    }
  }
  return "scenarios";
}

std::vector<ListedScenario> list_scenarios() {
  std::vector<ListedScenario> list;
  const fs::path folder = scenario_folder();
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (!is_scenario(it->path())) continue;
    ListedScenario entry;
    entry.path = it->path().string();
    entry.name = fs::relative(it->path(), folder).replace_extension().string();
    const Result<std::string> text = read_text(entry.path);
    const Result<Scenario> scenario = text ? load_scenario(entry.path, entry.name, *text, 1, {})
                                           : Result<Scenario>(std::unexpected(text.error()));
    if (scenario) entry.about = scenario->about;
    if (!scenario) entry.error = scenario.error().detail();
    list.push_back(std::move(entry));
  }
  std::ranges::sort(list, {}, &ListedScenario::name);
  return list;
}

Result<ScenarioText> find_scenario(const std::string& name_or_path) {
  const bool by_path = name_or_path.ends_with(".json");
  ScenarioText found;
  found.path =
      by_path ? name_or_path : (fs::path(scenario_folder()) / (name_or_path + ".json")).string();
  found.name = by_path ? name_of_file(name_or_path) : name_or_path;
  if (!fs::exists(found.path)) {
    return fail(ErrorCode::not_found,
                fmt::format("no scenario {}: `fluxsim list` shows those there are", found.path));
  }
  found.text = TRY(read_text(found.path));
  return found;
}

void survive_crashes(std::uint64_t seed) {
  crash_state.seed = seed;
  set_check_hook(&on_check);
  const bool sanitized = __sanitizer_set_death_callback != nullptr;
  if (sanitized) __sanitizer_set_death_callback(&on_sanitizer);
  stack_t stack{};
  stack.ss_sp = signal_stack.data();
  stack.ss_size = signal_stack.size();
  ::sigaltstack(&stack, nullptr);
  struct sigaction action{};
  action.sa_handler = &on_signal;
  action.sa_flags = SA_ONSTACK;
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM}) {
    // A sanitizer tells more of these than a handler can.
    if (sanitized && number != SIGALRM && number != SIGABRT) continue;
    ::sigaction(number, &action, nullptr);
  }
}

void crash_reports(const World& world) { crash_state.world = &world; }

std::uint64_t wall_ms() {
  // tidy: allow clock, since how long a swarm took is told to people and decides nothing
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

Child start(const std::function<int()>& body, std::uint32_t wall_limit_s) {
  std::array<int, 2> ends{};
  CHECK(::pipe(ends.data()) == 0, "no pipe");
  std::fflush(stdout);
  const pid_t pid = ::fork();
  CHECK(pid >= 0, "no process");
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    ::alarm(wall_limit_s);
    const int code = body();
    std::fflush(stdout);
    ::_exit(code);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

Child start_program(const std::vector<std::string>& arguments,
                    const std::vector<std::string>& variables, const std::string& folder) {
  const std::string self = fs::read_symlink("/proc/self/exe").string();
  std::array<int, 2> ends{};
  CHECK(::pipe(ends.data()) == 0, "no pipe");
  std::fflush(stdout);
  const pid_t pid = ::fork();
  CHECK(pid >= 0, "no process");
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::close(ends[0]);
    ::close(ends[1]);
    if (::chdir(folder.c_str()) != 0) ::_exit(2);
    std::vector<char*> argv{const_cast<char*>(self.c_str())};
    for (const std::string& text : arguments) argv.push_back(const_cast<char*>(text.c_str()));
    argv.push_back(nullptr);
    std::vector<char*> envp;
    for (const std::string& text : variables) envp.push_back(const_cast<char*>(text.c_str()));
    envp.push_back(nullptr);
    ::execve(self.c_str(), argv.data(), envp.data());
    ::_exit(2);
  }
  ::close(ends[1]);
  return {pid, ends[0]};
}

std::size_t wait_any(std::vector<Child>& children, std::vector<std::string>& outputs,
                     Ended& ended) {
  outputs.resize(children.size());
  for (;;) {
    std::vector<pollfd> polled;
    for (const Child& child : children) polled.push_back({child.output, POLLIN, 0});
    if (::poll(polled.data(), polled.size(), -1) < 0) continue;
    for (std::size_t i = 0; i < children.size(); ++i) {
      if ((polled[i].revents & POLLIN) != 0) {
        read_into(children[i].output, outputs[i]);
      } else if ((polled[i].revents & (POLLHUP | POLLERR)) != 0) {
        ended = reap(children[i], std::move(outputs[i]));
        children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
        outputs.erase(outputs.begin() + static_cast<std::ptrdiff_t>(i));
        return i;
      }
    }
  }
}

Ended wait(Child child) {
  std::vector<Child> one{child};
  std::vector<std::string> outputs;
  Ended ended;
  wait_any(one, outputs, ended);
  return ended;
}

std::string make_temporary_folder() {
  std::string name = (fs::temp_directory_path() / "fluxsim-XXXXXX").string();
  CHECK(::mkdtemp(name.data()) != nullptr, "no temporary folder");
  return name;
}

void remove_folder(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
}

}  // namespace flux::sim::host
