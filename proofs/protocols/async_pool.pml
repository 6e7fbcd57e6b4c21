/* async_pool.pml - include/ashlar/async/pool_core.hpp over idle_stack.hpp: grants, waiters, cancelling, closing, and who frees it.
 *
 * USERS users want an object of a pool of SLOTS; whoever gets one gives it back. One canceller ends the wish of user 1, one
 * thread closes the pool, and drops it when nobody calls it any more. The idle stack is its word: a gate and how many are idle
 * (which slot is which, and that its count keeps stale exchanges out, is shared_index_pool.pml's matter).
 *   take, give, give_slowly, enqueue (outcome_at_once), take_off, cancel, leave, close, drop, free_if      pool_core
 */
#ifndef USERS
#define USERS 3
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#define WAITING 0
#define GRANTED 1
#define CANCELLED 2
#define CLOSED 3

bool gate; byte idle = SLOTS;           /* idle_stack::word_ */
byte lock;
byte size = SLOTS, kept, out;           /* out is ghost */
bool closing, dropped, freed;
byte queue[USERS], waiting;             /* waiters_, the first is queue[0] */
byte outcome[USERS + 1];
bool queued[USERS + 1], to_be_cancelled[USERS + 1], was_kept[USERS + 1], decided[USERS + 1];
byte called, ended;

#define take_lock atomic { lock == 0 -> assert(!freed); lock = _pid + 1 }
#define drop_lock lock = 0
inline decide(w, as) { assert(!decided[w]); decided[w] = true; outcome[w] = as }   /* pool_core.I2 */

/* @pre the lock is held */
inline take_off(w, as) {
    d_step {
        k = 0;
        do :: queue[k] != w -> k++ :: else -> break od;
        do :: k + 1 < waiting -> queue[k] = queue[k + 1]; k++ :: else -> break od;
        waiting--; queue[waiting] = 0; k = 0;
        queued[w] = false
    };
    if
#ifndef BUG_GATE_STAYS_SHUT
    :: waiting == 0 && !closing -> gate = false          /* idle_stack::open */
#endif
    :: else -> skip
    fi;
    d_step { assert(waiting == 0 || gate); decide(w, as) }                          /* pool_core.I1 */
}
/* what free_if does behind a change of the counts, made under the lock that this gives back */
inline free_if_last() {
    last = dropped && size == 0 && kept == 0;
    drop_lock;
    if
    :: last -> d_step { assert(!freed && out == 0); freed = true }                  /* pool_core.I4 */
    :: else -> skip
    fi;
    last = false
}
inline remove_object() { take_lock; size--; free_if_last() }

inline give() {
    d_step { assert(out > 0); out-- }
    if
    :: atomic { !gate -> assert(!freed); idle++ }       /* idle_stack::push */
    :: atomic { gate -> skip };                          /* give_slowly */
       take_lock;
       if
       :: !closing && waiting == 0 -> atomic { assert(!gate); idle++ }; drop_lock
       :: !closing && waiting != 0 ->
          next = queue[0];
          out++;
          take_off(next, GRANTED);
          drop_lock
       :: closing -> drop_lock; remove_object()
       fi
    fi;
    next = 0
}
inline enqueue(w) {
    take_lock;
    if
    :: closing -> decide(w, CLOSED)
    :: !closing && to_be_cancelled[w] -> decide(w, CANCELLED)
    :: else ->
       if
#ifdef BUG_QUEUE_WITHOUT_LOOKING
       :: waiting == 0 -> gate = true
#else
       :: waiting == 0 ->
          gate = true;                                   /* idle_stack::shut */
          if
          :: idle > 0 -> idle--; out++; gate = false; decide(w, GRANTED)
          :: else -> skip
          fi
#endif
       :: else -> skip
       fi;
       if
       :: !decided[w] -> d_step { kept++; was_kept[w] = true; queued[w] = true; queue[waiting] = w; waiting++ ; assert(gate && idle == 0) }   /* pool_core.I1 */
       :: else -> skip
       fi
    fi;
    drop_lock
}

proctype user(byte w) {
    byte next, k;
    bool last, got;
    if
    :: atomic { !gate && idle > 0 -> assert(!freed); idle--; out++; got = true }    /* take: idle_stack::pop */
    :: atomic { gate || idle == 0 -> skip };
       enqueue(w);
    fi;
    called++;
    if
    :: !got -> outcome[w] != WAITING -> got = (outcome[w] == GRANTED)               /* it is resumed */
    :: else -> skip
    fi;
    if
    :: was_kept[w] ->                                    /* leave */
#ifdef BUG_LEAVE_EARLY
       skip
#else
       take_lock; kept--; free_if_last()
#endif
    :: else -> skip
    fi;
    if
    :: got -> assert(out <= SLOTS && !freed); give()     /* pool_core.I3 */
    :: else -> skip
    fi;
    got = false;
    ended++
}
active proctype canceller() {
    byte k;
    take_lock;                                           /* pool_core::cancel of user 1 */
    if
    :: queued[1] -> take_off(1, CANCELLED)
#ifdef BUG_CANCEL_TWICE
    :: !queued[1] && was_kept[1] -> decide(1, CANCELLED)
    :: !queued[1] && !was_kept[1] -> to_be_cancelled[1] = !decided[1]
#else
    :: else -> to_be_cancelled[1] = !decided[1]
#endif
    fi;
    drop_lock;
    called++;
    ended++
}
active proctype closer() {
    byte k, n;
    bool last;
    take_lock;                                           /* close */
    closing = true; kept++;
#ifndef BUG_CLOSE_LEAVES_OPEN
    gate = true;
#endif
    do :: waiting > 0 -> n = queue[0]; take_off(n, CLOSED) :: else -> break od;
    atomic { n = idle; idle = 0 };
    drop_lock;
    do :: n > 0 -> remove_object(); n-- :: else -> break od;
    take_lock; kept--; free_if_last();
    called == USERS + 1;                                 /* nobody calls the pool any more */
    take_lock; dropped = true; free_if_last();           /* drop */
    ended++
}
init {
    byte i = 1;
    atomic { do :: i <= USERS -> run user(i); i++ :: else -> break od }
    (ended == USERS + 2);
    assert(freed && size == 0 && idle == 0 && out == 0 && kept == 0)
}
