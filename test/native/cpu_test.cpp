// CPU levels, and the CPU quota of control groups read from made-up /proc files.
#include "../../native/base/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <string>

#include "../../native/base/cpu_budget.h"
#include "check.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/stat.h>
#endif

using namespace tilegrad;

namespace {

void testLevels() {
  for (int i = 0; i < kLevelCount; ++i) {
    Level level = Level::scalar;
    CHECK(parseLevel(levelName(static_cast<Level>(i)), &level));
    CHECK(level == static_cast<Level>(i));
  }
  Level level = Level::avx2;
  for (const char* name : {"", "AVX2", "avx", "avx5122", "scalar "}) {
    CHECK(!parseLevel(name, &level));
  }
  CHECK(level == Level::avx2);

  CHECK(levelSupported(Level::scalar));
  CHECK(levelSupported(bestLevel()));
#if defined(__x86_64__) && defined(__GNUC__)
  // The compiler's runtime asks the CPU in its own way.
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool avx512 = avx2 && __builtin_cpu_supports("avx512f") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512cd");
  CHECK(levelSupported(Level::avx2) == avx2);
  CHECK(levelSupported(Level::avx512) == avx512);
  CHECK(!levelSupported(Level::neon));
  CHECK(hasAvx512Bf16() == (avx512 && __builtin_cpu_supports("avx512bf16")));
#elif defined(__aarch64__)
  CHECK(bestLevel() == Level::neon);
  CHECK(!levelSupported(Level::avx2) && !levelSupported(Level::avx512));
  CHECK(!hasAvx512Bf16());
#endif
}

#if defined(__linux__)

// A directory that stands for a control group mount, with the two /proc files that point to it.
class FakeGroups {
 public:
  FakeGroups() {
    const char* const folder = getenv("TMPDIR");
    root_ = std::string(folder ? folder : "/tmp") + "/tilegrad-cgroup-XXXXXX";
    CHECK(mkdtemp(&root_[0]) != nullptr);
  }
  ~FakeGroups() {
    const std::string command = "rm -r " + root_;
    CHECK(system(command.c_str()) == 0);
  }
  void write(const std::string& name, const std::string& text) {
    for (size_t at = name.find('/'); at != std::string::npos; at = name.find('/', at + 1)) {
      mkdir((root_ + "/" + name.substr(0, at)).c_str(), 0700);
    }
    FILE* file = fopen((root_ + "/" + name).c_str(), "w");
    CHECK(file != nullptr);
    if (file == nullptr) return;
    fputs(text.c_str(), file);
    fclose(file);
  }
  const std::string& root() const { return root_; }
  double cpus() const {
    return cgroupCpus((root_ + "/self-cgroup").c_str(), (root_ + "/self-mountinfo").c_str());
  }

 private:
  std::string root_;
};

void testVersion2() {
  FakeGroups groups;
  CHECK(groups.cpus() == 0);  // no such files
  groups.write("self-cgroup", "0::/service/job\n");
  groups.write("self-mountinfo", "22 1 0:20 / /proc rw - proc proc rw\n30 23 0:26 / " +
                                     groups.root() +
                                     "/fs rw,nosuid shared:9 - cgroup2 cgroup2 rw\n");
  groups.write("fs/service/job/cgroup.procs", "");
  CHECK(groups.cpus() == 0);
  groups.write("fs/service/job/cpu.max", "max 100000\n");
  CHECK(groups.cpus() == 0);
  groups.write("fs/service/job/cpu.max", "150000 100000\n");
  CHECK(groups.cpus() == 1.5);
  groups.write("fs/service/cpu.max", "400000 100000\n");
  CHECK(groups.cpus() == 1.5);
  groups.write("fs/service/cpu.max", "50000 100000\n");  // the group above allows less
  CHECK(groups.cpus() == 0.5);
}

// A container sees its own group as the top of the mount.
void testContainer() {
  FakeGroups groups;
  groups.write("fs/cpu.max", "200000 100000\n");
  for (const char* path : {"0::/\n", "0::/docker/4f2a\n", "0::/../other\n"}) {
    for (const char* top : {"/", "/docker/4f2a", "/../.."}) {
      groups.write("self-cgroup", path);
      groups.write("self-mountinfo", std::string("30 23 0:26 ") + top + " " + groups.root() +
                                         "/fs rw - cgroup2 cgroup rw\n");
      CHECK(groups.cpus() == 2);
    }
  }
}

void testVersion1() {
  FakeGroups groups;
  groups.write("self-cgroup", "3:cpuset:/\n2:cpu,cpuacct:/docker/4f2a/inner\n1:memory:/x\n0::/\n");
  groups.write("self-mountinfo", "31 23 0:28 / " + groups.root() +
                                     "/wrong rw - cgroup cgroup rw,cpuset\n" +
                                     "32 23 0:29 /docker/4f2a " + groups.root() +
                                     "/cpu rw master:4 - cgroup cgroup rw,cpu,cpuacct\n");
  groups.write("wrong/cpu.cfs_quota_us", "10000\n");
  groups.write("wrong/cpu.cfs_period_us", "100000\n");
  groups.write("cpu/cpu.cfs_quota_us", "-1\n");
  groups.write("cpu/cpu.cfs_period_us", "100000\n");
  CHECK(groups.cpus() == 0);
  groups.write("cpu/inner/cpu.cfs_quota_us", "300000\n");
  groups.write("cpu/inner/cpu.cfs_period_us", "100000\n");
  CHECK(groups.cpus() == 3);
  groups.write("cpu/cpu.cfs_quota_us", "250000\n");
  CHECK(groups.cpus() == 2.5);
}

void testAffinity() {
  cpu_set_t usual;
  CHECK(sched_getaffinity(0, sizeof(usual), &usual) == 0);
  CHECK(availableCpus() >= 1 && availableCpus() <= CPU_COUNT(&usual));
  cpu_set_t one;
  CPU_ZERO(&one);
  for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++cpu) {
    if (CPU_ISSET(cpu, &usual)) CPU_SET(cpu, &one);
  }
  CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
  CHECK(availableCpus() == 1);
  CHECK(sched_setaffinity(0, sizeof(usual), &usual) == 0);
}

#endif

}  // namespace

int main() {
  testLevels();
  CHECK(availableCpus() >= 1);
#if defined(__linux__)
  testVersion2();
  testContainer();
  testVersion1();
  testAffinity();
#endif
  return tilegrad_test::finish("cpu_test");
}
