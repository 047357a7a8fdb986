// One [[case]] table, read strictly: every key known, every value of the right type.
#pragma once

#include <toml++/toml.h>

#include <string>

#include "catalog/cases.hpp"

namespace thresher::catalog {

/// `origin` is what errors call the file.
Case read_case(const toml::table& table, const std::string& origin);

/// "origin:line: ", for errors.
std::string place(const std::string& origin, const toml::node& node);

}  // namespace thresher::catalog
