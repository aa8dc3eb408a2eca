// SPDX-License-Identifier: Apache-2.0
#include "tools/assay/console_progress.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace assay::tools {
namespace {

bool is_blocked_here(int signal) {
  sigset_t blocked;
  pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
  return sigismember(&blocked, signal) == 1;
}

bool is_stopped_within_seconds() {
  ConsoleProgress progress(/*quiet=*/true);
  for (int i = 0; i < 1000 && !progress.stop_requested(); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return progress.stop_requested();
}

// In a process of its own: how it ends after two signals with a pause between them.
int status_after_two(int signal, std::chrono::milliseconds pause) {
  const pid_t child = fork();
  if (child == 0) {
    stop_on_signals();
    bool is_right = is_blocked_here(signal);
    std::thread([&] { is_right = is_right && is_blocked_here(signal); }).join();
    kill(getpid(), signal);
    is_right = is_right && is_stopped_within_seconds();
    std::this_thread::sleep_for(pause);
    kill(getpid(), signal);
    std::this_thread::sleep_for(std::chrono::seconds(2));
    _exit(is_right ? 7 : 8);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return status;
}

TEST_CASE("a signal asks to stop, in no thread that computes; a second one that comes later ends the process") {
  for (const int signal : {SIGINT, SIGTERM}) {
    CAPTURE(signal);
    const int at_once = status_after_two(signal, std::chrono::milliseconds(0));
    CHECK(WIFEXITED(at_once));
    CHECK(WEXITSTATUS(at_once) == 7);
    const int later = status_after_two(signal, std::chrono::milliseconds(1500));
    CHECK(WIFSIGNALED(later));
    CHECK(WTERMSIG(later) == signal);
  }
}

}  // namespace
}  // namespace assay::tools
