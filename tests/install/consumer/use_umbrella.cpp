// Includes everything at once.
#include <ashlar/ashlar.hpp>

int main() { return ashlar::is_power_of_two(64u) ? 0 : 1; }
