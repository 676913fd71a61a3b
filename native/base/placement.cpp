#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE  // sched_getcpu
#endif
#include "placement.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace tilegrad {

#if defined(__linux__)

namespace {

// Takes `cpu` out of a thread's affinity mask for the life of the object. Does nothing where that
// is refused, would leave no CPU, or on machines beyond CPU_SETSIZE CPUs.
class Avoid {
 public:
  Avoid(int thread, int cpu) : thread_(thread) {
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(thread, sizeof(usual_), &usual_) != 0) {
      return;
    }
    cpu_set_t others = usual_;
    CPU_CLR(cpu, &others);
    narrowed_ = CPU_COUNT(&others) > 0 && sched_setaffinity(thread, sizeof(others), &others) == 0;
  }
  ~Avoid() {
    if (narrowed_) sched_setaffinity(thread_, sizeof(usual_), &usual_);
  }
  Avoid(const Avoid&) = delete;
  Avoid& operator=(const Avoid&) = delete;

 private:
  int thread_;
  bool narrowed_ = false;
  cpu_set_t usual_;
};

}  // namespace

int currentCpu() { return sched_getcpu(); }

int currentThread() { return static_cast<int>(syscall(SYS_gettid)); }

void wakeElsewhere(WaitWord& word, int thread) {
  Avoid avoid(thread, currentCpu());
  word.wake();
}

void leaveCpu(int cpu) {
  if (currentCpu() == cpu) Avoid avoid(0, cpu);  // 0 is the calling thread
}

#else

int currentCpu() { return 0; }

int currentThread() { return 0; }

void wakeElsewhere(WaitWord& word, int) { word.wake(); }

void leaveCpu(int) {}

#endif

}  // namespace tilegrad
