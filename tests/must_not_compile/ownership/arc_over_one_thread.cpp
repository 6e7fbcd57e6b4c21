// The last handle of an arc may go in any thread, so its allocator must bear it.
// expect: constraint
#include "ashlar/ownership/arc.hpp"
#include "ashlar/strategy/bump.hpp"
#include "ashlar/strategy/system.hpp"

#ifdef ASHLAR_FIXED
using heap = ashlar::system;
#else
using heap = ashlar::bump;
#endif
bool ask(const ashlar::arc<int, heap>& a) { return a.unique(); }
