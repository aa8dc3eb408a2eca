// SPDX-License-Identifier: Apache-2.0
#include "tools/assay/console_progress.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

namespace assay::tools {
namespace {

std::atomic<bool> stop{false};

// Signals so close to each other count as one: timeout(1) sends its own to the process and to its group.
constexpr auto kOneSignal = std::chrono::milliseconds(500);
constexpr auto kBarEvery = std::chrono::milliseconds(100);
constexpr auto kLineEvery = std::chrono::seconds(10);  // where stderr is a log

}  // namespace

void stop_on_signals() {
  // No handler: the kernel would put its frame on the stack of a thread that computes, and oneDNN's products (2.6.3)
  // use the stack pointer for something else meanwhile, so that the frame lands in the heap.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int s : {SIGINT, SIGTERM}) {
    sigaddset(&signals, s);
    std::signal(s, SIG_DFL);  // a shell's background job may begin with SIGINT ignored
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // threads to come inherit that
  std::thread([signals] {
    int received = 0;
    sigwait(&signals, &received);
    stop = true;
    std::this_thread::sleep_for(kOneSignal);
    const timespec at_once = {};
    while (sigtimedwait(&signals, nullptr, &at_once) > 0) continue;
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // a second one has its usual effect
    for (;;) pause();
  }).detach();
}

ConsoleProgress::ConsoleProgress(bool quiet) : quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}

void ConsoleProgress::begin(const std::string& phase, int64_t total) {
  phase_ = phase;
  total_ = total;
  done_ = skipped_ = 0;
  begun_ = drawn_ = Clock::now();
  if (!quiet_ && terminal_) draw();
}

void ConsoleProgress::advance(int64_t done) {
  done_ = done;
  const auto now = Clock::now();
  if (quiet_ || now - drawn_ < (terminal_ ? Clock::duration(kBarEvery) : Clock::duration(kLineEvery))) return;
  drawn_ = now;
  draw();
}

void ConsoleProgress::skip(int64_t steps) { skipped_ += steps; }

void ConsoleProgress::end() {
  if (quiet_) return;
  if (terminal_) std::fprintf(stderr, "\r\033[K");
  const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
  if (total_ > 0) {
    std::fprintf(stderr, "%-24s %lld in %.1f s\n", phase_.c_str(), static_cast<long long>(total_), seconds);
  } else {
    std::fprintf(stderr, "%-24s %.1f s\n", phase_.c_str(), seconds);
  }
}

void ConsoleProgress::note(const std::string& line) {
  if (quiet_) return;
  std::fprintf(stderr, "%s%s\n", terminal_ ? "\r\033[K" : "", line.c_str());
}

bool ConsoleProgress::stop_requested() { return stop; }

void ConsoleProgress::draw() {
  const double seconds = std::chrono::duration<double>(Clock::now() - begun_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_ - skipped_) / seconds : 0;
  std::string bar;
  if (terminal_ && total_ > 0) {
    const int filled = static_cast<int>(20 * done_ / total_);
    bar = "[" + std::string(filled, '#') + std::string(20 - filled, '.') + "] ";
  }
  char counts[96] = "";
  if (total_ > 0) {
    const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;
    std::snprintf(counts, sizeof counts, "%lld/%lld  %.1f/s  %.0f s left", static_cast<long long>(done_),
                  static_cast<long long>(total_), rate, left);
  }
  std::fprintf(stderr, terminal_ ? "\r\033[K%-24s %s%s" : "%-24s %s%s\n", phase_.c_str(), bar.c_str(), counts);
  std::fflush(stderr);
}

}  // namespace assay::tools
