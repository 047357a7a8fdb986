// Wrong: ends the process with "all is well" while it is loaded. Expected: admit, no answer came.
#include <unistd.h>

#include "honest.hpp"

namespace {

struct Leaver {
  Leaver() { _exit(0); }
};

const Leaver leaver;

using Attack = zoo::Library<>;

}  // namespace

ZOO_LIBRARY(Attack)
