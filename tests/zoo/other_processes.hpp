// Finds the worker of the other side, for the attacks that reach for it.
//
// Only processes whose command line says that they are a worker of the same arbiter are ever returned, so that the zoo
// harms nothing but its own races.
#pragma once

#include <unistd.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace zoo {

inline std::string file_of_process(pid_t process, const char* name) {
  std::ifstream file("/proc/" + std::to_string(process) + "/" + name, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The parent of a process, or 0: the second field behind the name's closing bracket.
inline pid_t parent_of(pid_t process) {
  const std::string text = file_of_process(process, "stat");
  const std::size_t bracket = text.rfind(')');
  if (bracket == std::string::npos) return 0;
  std::istringstream fields(text.substr(bracket + 1));
  char state = 0;
  pid_t parent = 0;
  fields >> state >> parent;
  return parent;
}

/// The other workers of this worker's arbiter.
inline std::vector<pid_t> rivals() {
  std::vector<pid_t> found;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = entry.path().filename().string();
    if (std::isdigit(static_cast<unsigned char>(name.front())) == 0) continue;
    const pid_t process = std::stoi(name);
    if (process == getpid() || parent_of(process) != getppid()) continue;
    const std::string command = file_of_process(process, "cmdline");
    if (command.find(std::string("\0worker", 7)) != std::string::npos) found.push_back(process);
  }
  return found;
}

}  // namespace zoo
