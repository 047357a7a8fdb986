// What a worker gives up for good before it loads somebody else's code.
//
// Background. The code runs as the same user as the arbiter, so without more it could stop the other side, start
// processes that outlive their SIGSTOP, or write to the arbiter's memory. Approach: resource limits and a list of
// system calls that a computation does not need (seccomp). Rejected: an allow list, which breaks with every new C
// library; namespaces, which containers often forbid. docs/candidates.md says what this does not guard.
#pragma once

#include <string>

namespace thresher::measure {

/// For every worker, at its start: dies with its arbiter, dumps no core, is the first that the system kills when memory
/// runs out, and keeps no descriptor but its socket.
void become_worker(int socket);

/// For a worker that is about to load a library. Throws Error(environment) when the system refuses. Empty, or what this
/// machine can't enforce, in words.
std::string enter_sandbox();

}  // namespace thresher::measure
