/* static_bump.pml - include/ashlar/strategy/static_bump.hpp: a lock-free cursor; one word holds blocks alive and bytes used.
 *
 * THREADS threads each allocate ROUNDS times, write the units that they were granted, and give the block back.
 *   allocate, deallocate    static_bump::allocate, static_bump::deallocate; move_end is deallocate's step without the count
 */
#ifndef THREADS
#define THREADS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define UNITS 4

byte live, used;                /* static_bump::word_: one word */
byte holder[UNITS];             /* ghost: who may write a unit */
byte ended;

inline grant(from, n) {         /* static_bump.I1: the bytes are this thread's own by now */
    d_step {
        i = from;
        do :: i < from + n -> assert(holder[i] == 0); holder[i] = _pid; i++ :: else -> break od;
        i = 0
    }
}
inline take_away(from, n) {
    d_step {
        i = from;
        do :: i < from + n -> assert(holder[i] == _pid); holder[i] = 0; i++ :: else -> break od;
        i = 0
    }
}

proctype thread() {
    byte round, size, from, seen_live, seen_used, next_live, next_used, i;
    bool got;
    do
    :: round < ROUNDS ->
       if :: size = 1 :: size = 2 fi;
       d_step { seen_live = live; seen_used = used }
       do
       :: size > UNITS - seen_used -> got = false; break               /* refused */
       :: else ->
#ifdef BUG_LOAD_STORE
          d_step { live = seen_live + 1; used = seen_used + size }
          from = seen_used; got = true; break
#else
          atomic {                                                      /* compare_exchange_weak */
              if
              :: live == seen_live && used == seen_used ->
                 live = seen_live + 1; used = seen_used + size; from = seen_used; got = true; break
              :: else -> seen_live = live; seen_used = used
              fi
          }
#endif
       od;
       if
       :: got ->
          grant(from, size);
          take_away(from, size);                                        /* the caller is done with it */
          d_step { seen_live = live; seen_used = used }
          do
          :: d_step {
                 assert(seen_live != 0);
                 next_live = seen_live - 1;
                 if
#ifdef BUG_ALWAYS_RETREAT
                 :: true -> next_used = from
#else
                 :: seen_used == from + size -> next_used = from        /* the newest */
                 :: else -> next_used = seen_used
#endif
                 fi;
#ifndef BUG_NO_RESET
                 if :: next_live == 0 -> next_used = 0 :: else -> skip fi   /* static_bump.I2 */
#endif
             }
             atomic {
                 if
                 :: live == seen_live && used == seen_used -> live = next_live; used = next_used; break
                 :: else -> seen_live = live; seen_used = used
                 fi
             }
          od
       :: else -> skip
       fi;
       skip;                                            /* Spin jumps into no d_step */
       d_step { got = false; from = 0; size = 0; seen_live = 0; seen_used = 0; next_live = 0; next_used = 0; round++ }
    :: else -> break
    od;
    ended++
}
init {
    byte i = 0;
    atomic { do :: i < THREADS -> run thread(); i++ :: else -> break od }
    (ended == THREADS);
    assert(live == 0 && used == 0)      /* with nothing live everything fits again (C7) */
}
