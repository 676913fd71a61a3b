#if defined(__linux__) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE  // CPU_ALLOC
#endif
#include "cpu_budget.h"

#include <stddef.h>
#include <stdint.h>

#if defined(__linux__)
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>
#else
#include <unistd.h>
#endif

namespace tilegrad {

#if defined(__linux__)

namespace {

// CPUs in the affinity mask; 0 when it can't be read.
int affinityCpus() {
  // The call fails while the set is smaller than the kernel's; 2^16 is beyond any kernel's NR_CPUS.
  for (int capacity = 1024; capacity <= 65536; capacity *= 4) {
    cpu_set_t* set = CPU_ALLOC(capacity);
    if (set == nullptr) return 0;
    const size_t bytes = CPU_ALLOC_SIZE(capacity);
    const int count = sched_getaffinity(0, bytes, set) == 0 ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (count > 0) return count;
  }
  return 0;
}

// True when `word` is an element of the comma separated `list`.
bool listHas(const char* list, const char* word) {
  const size_t length = strlen(word);
  for (const char* at = list; at != nullptr; at = strchr(at, ',')) {
    if (*at == ',') ++at;
    if (strncmp(at, word, length) == 0 && (at[length] == ',' || at[length] == '\0')) return true;
  }
  return false;
}

// Whether f(line) is true for a line of a file, its end taken off; none after that is read. f may
// change the line. False when the file can't be read.
template <class F>
bool anyLine(const char* name, const F& f) {
  FILE* file = fopen(name, "re");
  if (file == nullptr) return false;
  bool found = false;
  char* line = nullptr;
  size_t capacity = 0;
  while (!found && getline(&line, &capacity, file) > 0) {
    line[strcspn(line, "\n")] = '\0';
    found = f(line);
  }
  free(line);
  fclose(file);
  return found;
}

// The path of the process inside the hierarchy: version 2 when `controller` is null, otherwise the
// version 1 hierarchy of that controller. False when the process is in none.
bool findGroup(const char* cgroupFile, const char* controller, char (&path)[PATH_MAX]) {
  return anyLine(cgroupFile, [&](char* line) {
    // hierarchy-ID:controller-list:path, with an empty list for version 2
    char* list = strchr(line, ':');
    char* group = list == nullptr ? nullptr : strchr(list + 1, ':');
    if (group == nullptr) return false;
    *group++ = '\0';
    ++list;
    const bool match = controller == nullptr ? *list == '\0' : listHas(list, controller);
    const size_t size = strlen(group) + 1;
    if (!match || size > sizeof(path)) return false;
    memcpy(path, group, size);
    return true;
  });
}

// Where that hierarchy is mounted, and which group of it is visible there as the mount's top.
bool findMount(const char* mountInfoFile, const char* controller, char (&point)[PATH_MAX],
               char (&root)[PATH_MAX]) {
  return anyLine(mountInfoFile, [&](char* line) {
    // id parent device root point options... - type source superOptions
    char* tail = strstr(line, " - ");
    if (tail == nullptr) return false;
    *tail = '\0';
    char type[16];
    int optionsAt = -1;
    if (sscanf(tail + 3, "%15s %*s %n", type, &optionsAt) != 1 || optionsAt < 0) return false;
    const char* options = tail + 3 + optionsAt;
    const bool match = controller == nullptr
                           ? strcmp(type, "cgroup2") == 0
                           : strcmp(type, "cgroup") == 0 && listHas(options, controller);
    if (!match || strlen(line) >= sizeof(point)) return false;
    return sscanf(line, "%*s %*s %*s %s %s", root, point) == 2;
  });
}

// The first line of directory/name as up to two numbers; returns how many there were.
int readNumbers(const char* directory, const char* name, double* first, double* second) {
  char path[PATH_MAX];
  if (snprintf(path, sizeof(path), "%s/%s", directory, name) >= static_cast<int>(sizeof(path))) {
    return 0;
  }
  FILE* file = fopen(path, "re");
  if (file == nullptr) return 0;
  const int count = fscanf(file, "%lf %lf", first, second);
  fclose(file);
  return count < 0 ? 0 : count;
}

// The quota that one group's files state; 0 for none ("max" in version 2, -1 in version 1).
double groupQuota(const char* directory, bool version2) {
  double quota = 0, period = 0, unused = 0;
  if (version2) {
    if (readNumbers(directory, "cpu.max", &quota, &period) != 2) return 0;
  } else if (readNumbers(directory, "cpu.cfs_quota_us", &quota, &unused) != 1 ||
             readNumbers(directory, "cpu.cfs_period_us", &period, &unused) != 1) {
    return 0;
  }
  return quota > 0 && period > 0 ? quota / period : 0;
}

double hierarchyQuota(const char* cgroupFile, const char* mountInfoFile, bool version2) {
  const char* controller = version2 ? nullptr : "cpu";
  char group[PATH_MAX], point[PATH_MAX], root[PATH_MAX], directory[PATH_MAX];
  if (!findGroup(cgroupFile, controller, group)) return 0;
  if (!findMount(mountInfoFile, controller, point, root)) return 0;
  // Below the mount's own root, if the group is there; a container often sees only the mount.
  const size_t rootLength = strcmp(root, "/") == 0 ? 0 : strlen(root);
  const char* below = "";
  if (strncmp(group, root, rootLength) == 0 && strstr(group, "..") == nullptr &&
      group[rootLength] == '/' && group[rootLength + 1] != '\0') {
    below = group + rootLength;
  }
  if (snprintf(directory, sizeof(directory), "%s%s", point, below) >=
      static_cast<int>(sizeof(directory))) {
    return 0;
  }
  // Every group above has a say as well.
  double smallest = 0;
  const size_t pointLength = strlen(point);
  for (;;) {
    const double quota = groupQuota(directory, version2);
    if (quota > 0 && (smallest == 0 || quota < smallest)) smallest = quota;
    char* slash = strrchr(directory, '/');
    if (slash == nullptr || static_cast<size_t>(slash - directory) < pointLength) return smallest;
    *slash = '\0';
  }
}

}  // namespace

double cgroupCpus(const char* cgroupFile, const char* mountInfoFile) {
  const double v2 = hierarchyQuota(cgroupFile, mountInfoFile, true);
  const double v1 = hierarchyQuota(cgroupFile, mountInfoFile, false);
  return v1 == 0 || (v2 > 0 && v2 < v1) ? v2 : v1;
}

int availableCpus() {
  int count = affinityCpus();
  if (count == 0) count = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  const double quota = cgroupCpus("/proc/self/cgroup", "/proc/self/mountinfo");
  if (quota > 0 && quota < count) {
    count = static_cast<int>(quota);
    if (count < quota) ++count;
  }
  return count < 1 ? 1 : count;
}

#elif defined(__APPLE__)

int availableCpus() {
  // perflevel0 is the fastest kind of core; Intel Macs do not have the name.
  for (const char* name : {"hw.perflevel0.logicalcpu", "hw.logicalcpu"}) {
    int count = 0;
    size_t bytes = sizeof(count);
    if (sysctlbyname(name, &count, &bytes, nullptr, 0) == 0 && count > 0) return count;
  }
  return 1;
}

#elif defined(_WIN32)

int availableCpus() {
  DWORD_PTR process = 0, system = 0;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &process, &system)) return 1;
  int count = 0;
  for (; process != 0; process &= process - 1) ++count;
  // A process that spans several processor groups (beyond 64 CPUs) reads 0.
  if (count == 0) count = static_cast<int>(GetActiveProcessorCount(ALL_PROCESSOR_GROUPS));
  return count < 1 ? 1 : count;
}

#else

int availableCpus() {
  const long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count < 1 ? 1 : static_cast<int>(count);
}

#endif

}  // namespace tilegrad
