// SPDX-License-Identifier: Apache-2.0
#include "tests/cuda_sim/simt/guard.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/cuda_sim/simt/block.h"
#include "tests/cuda_sim/simt/options.h"
#include "tests/cuda_sim/simt/report.h"

namespace assay::cuda_sim {
namespace {

thread_local const Block* running_block = nullptr;

void print_current(const Block& block) {
  const Thread* thread = block.current();
  std::fprintf(stderr, "cuda_sim:   in block (%u, %u, %u)", block.ctaid.x, block.ctaid.y, block.ctaid.z);
  if (thread != nullptr) {
    std::fprintf(stderr, ", thread (%u, %u, %u)", thread->tid.x, thread->tid.y, thread->tid.z);
    if (thread->state->where != nullptr) {
      std::fprintf(stderr, ", after %s:%u", thread->state->where->file, thread->state->where->line);
    }
  }
  std::fprintf(stderr, " of %s\n", block.launch().kernel->name);
}

// Ends the process with what is known; the process is beyond repair, so this prints from a signal handler.
void on_crash(int signal_number, siginfo_t* info, void*) {
  const Block* block = running_block;
  if (block == nullptr) {  // not ours
    signal(signal_number, SIG_DFL);
    return;
  }
  const char* what = signal_number == SIGFPE ? "integer division by zero" : "crash";
  for (const Stack* stack : block->stacks().all()) {
    if (stack->is_overflow(info->si_addr)) what = "a thread's stack overflows";
  }
  std::fprintf(stderr, "cuda_sim: %s: %s (signal %d, address %p)\n", fault_name(Fault::kStackOverflow), what,
               signal_number, info->si_addr);
  print_current(*block);
  _exit(kFailureCode);
}

void install_handlers() {
  struct sigaction action = {};
  action.sa_sigaction = on_crash;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  for (int signal_number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigaction(signal_number, &action, nullptr);
}

// The handler can't run on a fiber's stack that has overflowed.
void install_signal_stack() {
  thread_local bool is_installed = false;
  if (is_installed) return;
  is_installed = true;
  constexpr size_t kBytes = 64 << 10;
  stack_t stack = {};
  stack.ss_sp = std::malloc(kBytes);  // as long as the OS thread lives, and the process ends with it
  stack.ss_size = kBytes;
  sigaltstack(&stack, nullptr);
}

// Ends the process when one simulated thread runs for longer than the limit without waiting or ending. Measured in
// processor time, so that a busy machine is no reason.
class Watchdog {
 public:
  Watchdog() {
    std::thread([this] { watch(); }).detach();
  }

  void add(const Block& block) {
    std::lock_guard<std::mutex> lock(mutex_);
    Watched watched;
    watched.block = &block;
    pthread_getcpuclockid(pthread_self(), &watched.clock);
    watched.progress = block.progress();
    watched.since_s = seconds(watched.clock);
    watched_.push_back(watched);
  }

  void remove(const Block& block) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (size_t index = 0; index < watched_.size(); ++index) {
      if (watched_[index].block != &block) continue;
      watched_[index] = watched_.back();
      watched_.pop_back();
      return;
    }
  }

 private:
  struct Watched {
    const Block* block;
    clockid_t clock;
    uint64_t progress;
    double since_s;
  };

  static double seconds(clockid_t clock) {
    timespec time = {};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }

  void watch() {
    while (true) {
      std::this_thread::sleep_for(std::chrono::seconds(1));
      std::lock_guard<std::mutex> lock(mutex_);
      for (Watched& watched : watched_) {
        const double now_s = seconds(watched.clock);
        if (watched.block->progress() != watched.progress) {
          watched.progress = watched.block->progress();
          watched.since_s = now_s;
        }
        if (now_s - watched.since_s <= static_cast<double>(options().timeout_s)) continue;
        std::fprintf(stderr, "cuda_sim: %s: a thread runs for %.0f s without waiting or ending\n",
                     fault_name(Fault::kDeadlock), now_s - watched.since_s);
        print_current(*watched.block);
        _exit(kFailureCode);
      }
    }
  }

  std::mutex mutex_;
  std::vector<Watched> watched_;
};

Watchdog& watchdog() {
  static auto* watchdog = [] {
    install_handlers();
    return new Watchdog;
  }();
  return *watchdog;
}

}  // namespace

KernelGuard::KernelGuard(const Block& block) {
  watchdog().add(block);
  install_signal_stack();
  running_block = &block;
}

KernelGuard::~KernelGuard() {
  watchdog().remove(*running_block);
  running_block = nullptr;
}

}  // namespace assay::cuda_sim
