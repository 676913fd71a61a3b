// A 32-bit atomic that a thread can sleep on: a futex on Linux, WaitOnAddress on Windows, otherwise
// a mutex and a condition variable (TG_WAIT_CONDVAR asks for those on Linux, to test them).
#pragma once
#include <stdint.h>

#include <atomic>

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>
#if defined(_MSC_VER)
#pragma comment(lib, "synchronization.lib")
#endif
#elif defined(__linux__) && !defined(TG_WAIT_CONDVAR)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#define TG_WAIT_FUTEX 1
#else
#include <pthread.h>
#endif

namespace tilegrad {

class WaitWord {
 public:
  std::atomic<uint32_t> value{0};

  // Sleeps until `value` is something else than `old`. Acquires what the thread that changed it
  // released.
  void sleepWhile(uint32_t old) {
#if defined(_WIN32)
    while (value.load(std::memory_order_acquire) == old) {
      WaitOnAddress(&value, &old, sizeof(old), INFINITE);
    }
#elif defined(TG_WAIT_FUTEX)
    while (value.load(std::memory_order_acquire) == old) {
      syscall(SYS_futex, &value, FUTEX_WAIT_PRIVATE, old, nullptr, nullptr, 0);
    }
#else
    pthread_mutex_lock(&mutex_);
    while (value.load(std::memory_order_acquire) == old) pthread_cond_wait(&changed_, &mutex_);
    pthread_mutex_unlock(&mutex_);
#endif
  }

  // Wakes the one thread that may be sleeping; called after `value` changed.
  void wake() {
#if defined(_WIN32)
    WakeByAddressSingle(&value);
#elif defined(TG_WAIT_FUTEX)
    syscall(SYS_futex, &value, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
#else
    // Through the mutex: the sleeper is either before its test of `value` or in the wait.
    pthread_mutex_lock(&mutex_);
    pthread_mutex_unlock(&mutex_);
    pthread_cond_signal(&changed_);
#endif
  }

#if !defined(_WIN32) && !defined(TG_WAIT_FUTEX)
 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t changed_ = PTHREAD_COND_INITIALIZER;
#endif
};

static_assert(sizeof(std::atomic<uint32_t>) == sizeof(uint32_t), "the kernel compares plain words");

}  // namespace tilegrad
