// Honest: the plain arithmetic of the zoo, which every attack changes in one place.
#include "honest.hpp"

namespace {

using Control = zoo::Library<>;

}  // namespace

ZOO_LIBRARY(Control)
