// What most tests include, read once by a compiler that can keep what it has read (../../../../Makefile). Each test
// includes what it needs all the same: it can be compiled without this.
#ifndef TPROC_SUPPORT_PRECOMPILED_H
#define TPROC_SUPPORT_PRECOMPILED_H

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#endif
