// Keeping a worker off the CPU of the thread it works for. Linux often wakes a thread on the CPU of
// its waker although others are idle (in a small cache domain it gives up the search for an idle
// CPU after recent load), and leaves it there for many milliseconds: the worker then runs when the
// caller has finished its own share. On two virtual CPUs with 5 ms between jobs, two shares of
// 0.4 ms took 0.81 ms that way and 0.43 ms with the worker placed. Other systems need no help:
// there the functions do nothing, and every thread and CPU is 0.
#pragma once
#include "wait_word.h"

namespace tilegrad {

// The CPU that the calling thread is on; negative when the system does not say.
int currentCpu();

// What the system calls the calling thread.
int currentThread();

// Wakes `thread`, which sleeps on `word`, on another CPU than the caller's if it may use another:
// its affinity mask is narrowed for the wake, then restored.
void wakeElsewhere(WaitWord& word, int thread);

// Moves the calling thread to another CPU if it is on `cpu` and may use another. Returns when it
// has moved, in about the time of a wake.
void leaveCpu(int cpu);

}  // namespace tilegrad
