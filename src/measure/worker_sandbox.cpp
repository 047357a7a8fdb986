// Limits, and a seccomp filter in classic BPF.
#include "measure/worker_sandbox.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include "thresher/error.hpp"

#if __has_include(<linux/capability.h>)
#include <linux/capability.h>
#endif

#if defined(__x86_64__) && __has_include(<linux/seccomp.h>)
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#define THRESHER_SECCOMP 1
#endif

namespace thresher::measure {
namespace {

// Every set empty. False when the system refuses.
bool drop_capabilities() {
#if __has_include(<linux/capability.h>)
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  const __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  return syscall(SYS_capset, &header, none) == 0;
#else
  return false;
#endif
}

void limit(int resource, rlim_t value) {
  const rlimit both{.rlim_cur = value, .rlim_max = value};
  setrlimit(static_cast<__rlimit_resource>(resource), &both);
}

// Standard streams, the socket, three received descriptors, and some for files that a library reads.
constexpr rlim_t kMostFiles = 32;

#if defined(THRESHER_SECCOMP)

// System calls that no computation needs, by what happens to who makes them.
constexpr int kFatal[] = {
    // other processes: starting, reading, stopping
    SYS_fork, SYS_vfork, SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_tkill,
    SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_open, SYS_pidfd_send_signal, SYS_pidfd_getfd,
    SYS_process_madvise, SYS_kcmp, SYS_open_by_handle_at, SYS_setsid, SYS_setpgid,
    // more of the machine than the other side gets
    SYS_setpriority, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_ioprio_set,
    // ways around this filter, or out of the machine
    SYS_io_uring_setup, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_unshare, SYS_setns, SYS_mount, SYS_chroot,
    SYS_pivot_root, SYS_socket, SYS_socketpair, SYS_keyctl, SYS_add_key, SYS_request_key, SYS_personality};

// Refused with EPERM: libraries try some of these harmlessly and go on without.
constexpr int kRefused[] = {SYS_creat,    SYS_unlink, SYS_unlinkat, SYS_rename,    SYS_renameat, SYS_renameat2,
                            SYS_truncate, SYS_mkdir,  SYS_mkdirat,  SYS_rmdir,     SYS_link,     SYS_linkat,
                            SYS_symlink,  SYS_mknod,  SYS_mknodat,  SYS_symlinkat, SYS_chmod,    SYS_fchmod,
                            SYS_fchmodat, SYS_chown,  SYS_fchown,   SYS_lchown,    SYS_fchownat, SYS_utimensat,
                            SYS_setxattr, SYS_shmget, SYS_shmat,    SYS_mq_open,   SYS_msgget,   SYS_setrlimit,
                            SYS_swapon,   SYS_reboot, SYS_mlockall};

constexpr std::uint32_t kNumberAt = offsetof(seccomp_data, nr);
constexpr std::uint32_t kArchAt = offsetof(seccomp_data, arch);
// NOTE: the low half of an argument; x86-64 is little-endian.
constexpr std::uint32_t argument_at(std::uint32_t index) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args)) + 8 * index;
}

class Filter {
 public:
  void load(std::uint32_t at) { add(BPF_LD | BPF_W | BPF_ABS, at); }
  void end(std::uint32_t action) { add(BPF_RET | BPF_K, action); }

  /// When the loaded value equals `value`: `action`.
  void end_if(std::uint32_t value, std::uint32_t action) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1);
    end(action);
  }
  void end_unless(std::uint32_t value, std::uint32_t action) {
    add(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0);
    end(action);
  }
  void end_if_any_bit(std::uint32_t bits, std::uint32_t action) {
    add(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1);
    end(action);
  }
  void end_if_no_bit(std::uint32_t bits, std::uint32_t action) {
    add(BPF_JMP | BPF_JSET | BPF_K, bits, 1, 0);
    end(action);
  }

  /// Rules for one system call, which end with `end(...)`; others pass by. The number must be loaded.
  template <typename Rules>
  void on(int call, Rules rules) {
    const std::size_t jump = code_.size();
    add(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(call), 0, 0);
    rules();
    code_[jump].jf = static_cast<std::uint8_t>(code_.size() - jump - 1);
  }

  [[nodiscard]] std::vector<sock_filter>& code() { return code_; }

 private:
  void add(int code, std::uint32_t k, std::uint8_t jt = 0, std::uint8_t jf = 0) {
    code_.push_back({static_cast<std::uint16_t>(code), jt, jf, k});
  }
  std::vector<sock_filter> code_;
};

constexpr std::uint32_t kAllow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t kKill = SECCOMP_RET_KILL_PROCESS;
constexpr std::uint32_t kRefuse = SECCOMP_RET_ERRNO | EPERM;
// The C library then starts threads with clone(), whose flags a filter can see.
constexpr std::uint32_t kUnknown = SECCOMP_RET_ERRNO | ENOSYS;

void add_open_rules(Filter& filter) {
  constexpr std::uint32_t kWrites = O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND;
  for (const auto& [call, flags] : {std::pair{SYS_open, 1u}, std::pair{SYS_openat, 2u}}) {
    filter.on(static_cast<int>(call), [&filter, index = flags] {
      filter.load(argument_at(index));
      filter.end_if_any_bit(kWrites, kRefuse);
      filter.end(kAllow);
    });
  }
}

Filter make_filter() {
  const auto self = static_cast<std::uint32_t>(getpid());
  Filter filter;
  filter.load(kArchAt);
  filter.end_unless(AUDIT_ARCH_X86_64, kKill);
  filter.load(kNumberAt);
  filter.end_if_any_bit(0x40000000u, kKill);  // the x32 numbers of the same calls
  for (const int call : kFatal)
    filter.end_if(static_cast<std::uint32_t>(call), kKill);
  for (const int call : kRefused)
    filter.end_if(static_cast<std::uint32_t>(call), kRefuse);
  filter.end_if(SYS_clone3, kUnknown);
  filter.end_if(437u, kUnknown);  // openat2, whose flags lie in memory
  filter.on(SYS_clone, [&] {
    filter.load(argument_at(0));
    filter.end_if_no_bit(CLONE_THREAD, kKill);
    filter.end(kAllow);
  });
  for (const int call : {SYS_kill, SYS_tgkill}) {
    filter.on(call, [&] {
      filter.load(argument_at(0));
      filter.end_if(self, kAllow);
      filter.end(kKill);
    });
  }
  filter.on(SYS_sched_setaffinity, [&] {
    filter.load(argument_at(0));
    filter.end_if(0, kAllow);
    filter.end(kRefuse);
  });
  filter.on(SYS_prlimit64, [&] {
    // Reading limits is fine: the third argument, new values, is null then.
    filter.load(argument_at(2));
    filter.end_unless(0, kRefuse);
    filter.load(argument_at(2) + 4);
    filter.end_unless(0, kRefuse);
    filter.end(kAllow);
  });
  filter.on(SYS_prctl, [&] {
    filter.load(argument_at(0));
    filter.end_if(PR_SET_PDEATHSIG, kRefuse);
    filter.end_if(PR_SET_DUMPABLE, kRefuse);
    filter.end(kAllow);
  });
  add_open_rules(filter);
  filter.end(kAllow);
  return filter;
}

std::string install_filter() {
  Filter filter = make_filter();
  const sock_fprog program{.len = static_cast<unsigned short>(filter.code().size()), .filter = filter.code().data()};
  // Threads that exist already (of OpenMP, say) come under the filter, too.
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0) return {};
  return std::string("this system has no seccomp filters (") + std::strerror(errno) +
         "): libraries may start processes here";
}

#else

std::string install_filter() {
  return "system calls are filtered on x86-64 Linux only: libraries may start processes here";
}

#endif

}  // namespace

void become_worker(int socket) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  limit(RLIMIT_CORE, 0);
  std::ofstream("/proc/self/oom_score_adj") << 1000;
  const auto first = static_cast<unsigned>(socket) + 1;
#if defined(SYS_close_range)
  if (syscall(SYS_close_range, first, ~0u, 0) == 0) return;
#endif
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  for (unsigned fd = first; fd < files.rlim_cur && fd < (1u << 16); ++fd)
    close(static_cast<int>(fd));
}

std::string enter_sandbox() {
  // In a user namespace of its own, or without the capabilities of an arbiter that is root, this process may not read
  // the memory and descriptors of the arbiter and of the other side. Containers may refuse the first.
  const bool apart = unshare(CLONE_NEWUSER) == 0;
  const bool powerless = drop_capabilities();
  // Some changes of credentials forget it.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  limit(RLIMIT_FSIZE, 0);
#if !defined(__SANITIZE_ADDRESS__)
  const auto memory = static_cast<rlim_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<rlim_t>(sysconf(_SC_PAGESIZE));
  limit(RLIMIT_AS, 2 * memory);
#endif
  limit(RLIMIT_NOFILE, kMostFiles);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    throw Error(ErrorCode::environment, std::string("the worker can't give up privileges: ") + std::strerror(errno) +
                                            "; libraries need Linux 3.5 or newer");
  }
  std::string gap = install_filter();
  if (!apart && !(powerless && geteuid() == 0)) {
    gap += gap.empty() ? "" : "; ";
    gap += "this system refuses user namespaces: libraries may read the memory of other processes of this user";
  }
  return gap;
}

}  // namespace thresher::measure
