"""The numbers of the system calls that a scan does not need, by processor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# The first number, on both processors, that is newer than this list. Such a call fails as on the older kernels that
# all programs still run on, so nothing new is ever allowed by accident.
FIRST_UNKNOWN = 451

# Name, x86-64, aarch64 (- where it has none): asm/unistd_64.h and asm-generic/unistd.h of Linux 6.x.
_REFUSED = """
# Programs and processes.
execve 59 221              execveat 322 281           uselib 134 -
fork 57 -                  vfork 58 -                 unshare 272 97
setns 308 268              setpgid 109 154            setsid 112 157
personality 135 92         modify_ldt 154 -           acct 163 89

# Other processes.
ptrace 101 117             process_vm_readv 310 270   process_vm_writev 311 271
process_madvise 440 440    process_mrelease 448 448   kcmp 312 272
pidfd_open 434 434         pidfd_getfd 438 438        pidfd_send_signal 424 424
tkill 200 130              rt_sigqueueinfo 129 138    rt_tgsigqueueinfo 297 240
migrate_pages 256 238      move_pages 279 239         setpriority 141 140
sched_setscheduler 144 119 sched_setparam 142 118     sched_setattr 314 274
sched_setaffinity 203 122  ioprio_set 251 30          setrlimit 160 164
shmget 29 194              shmat 30 196               shmctl 31 195
semget 64 190              semop 65 193               semctl 66 191
semtimedop 220 192         msgget 68 186              msgsnd 69 189
msgrcv 70 188              msgctl 71 187              mq_open 240 180
mq_unlink 241 181

# The network: without a socket there is nothing to connect.
socket 41 198              socketpair 53 199

# Files: what Landlock does not watch.
chmod 90 -                 fchmod 91 52               fchmodat 268 53
chown 92 -                 fchown 93 55               lchown 94 -
fchownat 260 54            utime 132 -                utimes 235 -
utimensat 280 88           futimesat 261 -            truncate 76 45
setxattr 188 5             lsetxattr 189 6            fsetxattr 190 7
removexattr 197 14         lremovexattr 198 15        fremovexattr 199 16
mknod 133 -                mknodat 259 33             inotify_init 253 -
inotify_init1 294 26       fanotify_init 300 262      fanotify_mark 301 263
name_to_handle_at 303 264  open_by_handle_at 304 265  memfd_create 319 279
memfd_secret 447 447       chroot 161 51              pivot_root 155 41
mount 165 40               umount2 166 39             move_mount 429 429
open_tree 428 428          fsopen 430 430             fsconfig 431 431
fsmount 432 432            fspick 433 433             mount_setattr 442 442
swapon 167 224             swapoff 168 225            quotactl 179 60
quotactl_fd 443 443

# Identity, for scans that run as root.
setuid 105 146             setgid 106 144             setreuid 113 145
setregid 114 143           setresuid 117 147          setresgid 119 149
setgroups 116 159          setfsuid 122 151           setfsgid 123 152
capset 126 91

# The kernel's wide interfaces.
bpf 321 280                perf_event_open 298 241    userfaultfd 323 282
io_uring_setup 425 425     io_uring_enter 426 426     io_uring_register 427 427
keyctl 250 219             add_key 248 217            request_key 249 218
kexec_load 246 104         kexec_file_load 320 294    reboot 169 142
init_module 175 105        finit_module 313 273       delete_module 176 106
iopl 172 -                 ioperm 173 -               syslog 103 116
settimeofday 164 170       clock_settime 227 112      clock_adjtime 305 266
adjtimex 159 171           sethostname 170 161        setdomainname 171 162
vhangup 153 58
"""
# glibc starts threads with this one and its arguments lie where a filter cannot look; told that it does not exist,
# glibc takes `clone`.
_UNKNOWN = "clone3 435 435"
# Refused or allowed by their arguments.
_BY_ARGUMENT = """
clone 56 220               kill 62 129                tgkill 234 131
prlimit64 302 261          fcntl 72 25                ioctl 16 29
prctl 157 167
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """How one processor numbers its system calls, by name.

    Attributes:
        audit: The kernel's code for the processor.
        refused: Calls that are never allowed.
        unknown: Calls that shall seem not to exist.
        by_argument: Calls that depend on their arguments.
    """

    audit: int
    refused: Mapping[str, int]
    unknown: Mapping[str, int]
    by_argument: Mapping[str, int]


def of(machine: str) -> Architecture | None:
    """Return the numbers of a processor by its name in `uname`; None if nobody has listed them."""
    if machine == "x86_64":
        return _architecture(0xC000_003E, 0)
    if machine == "aarch64":
        return _architecture(0xC000_00B7, 1)
    return None


def _architecture(audit: int, column: int) -> Architecture:
    return Architecture(
        audit=audit,
        refused=_numbers(_REFUSED, column),
        unknown=_numbers(_UNKNOWN, column),
        by_argument=_numbers(_BY_ARGUMENT, column),
    )


def _numbers(table: str, column: int) -> dict[str, int]:
    rows = re.findall(r"(\w+) (\d+|-) (\d+|-)", re.sub(r"#.*", "", table))
    return {name: int(numbers[column]) for name, *numbers in rows if numbers[column] != "-"}
