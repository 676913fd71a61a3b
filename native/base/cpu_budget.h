// How many CPUs this process may keep busy.
#pragma once

namespace tilegrad {

// The CPUs in the process's affinity mask, or fewer when a control group's quota (Linux) allows
// less time; a quota of 1.5 CPUs counts as 2. On Apple silicon the performance cores only, since
// equal shares of work would wait for the slowest core. At least 1.
int availableCpus();

#if defined(__linux__)
// The CPU quota of a process in CPUs (0.5 = half of one), or 0 when nothing limits it: the smallest
// along the path from its control group up to the mount point, in versions 1 (cpu.cfs_quota_us,
// cpu.cfs_period_us) and 2 (cpu.max). The arguments are /proc/self/cgroup and /proc/self/mountinfo,
// or files of the same format (proc(5), cgroups(7)).
double cgroupCpus(const char* cgroupFile, const char* mountInfoFile);
#endif

}  // namespace tilegrad
