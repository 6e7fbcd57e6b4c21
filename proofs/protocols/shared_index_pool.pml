/* shared_index_pool.pml - include/ashlar/realtime/shared_index_pool.hpp: a stack by indices with a count against reuse, and
 * bits for the blocks that lost the race for it too often.
 *
 * THREADS threads allocate and give back ROUNDS times, in a pool of BLOCKS blocks; each try may be the last (Tries is TRIES).
 * The head's count does not come round: a byte is enough for what is tried here. 0 is "no block", LIVE marks a live one.
 *   allocate, deallocate, take_spilled      shared_index_pool
 */
#ifndef THREADS
#define THREADS 3
#endif
#ifndef ROUNDS
#define ROUNDS 2
#endif
#ifndef TRIES
#define TRIES 2
#endif
#define BLOCKS 2
#define LIVE 255

byte top = 1, tag;              /* head_: one word */
byte link[BLOCKS + 1];
bool spilled_bit[BLOCKS + 1];   /* spilled_bits_: fetch_or and fetch_and of one bit each */
byte spilled;
byte holder[BLOCKS + 1];        /* ghost */
byte ended;

proctype thread() {
    byte round, seen, seen_tag, next, tries, mine;
    do
    :: round < ROUNDS ->
       d_step { seen = top; seen_tag = tag; tries = 0; mine = 0 }
       do
       :: seen != 0 && tries < TRIES ->
          next = link[seen];                            /* stale if the head has changed: then the exchange fails */
          atomic {
              if
#ifdef BUG_NO_TAG
              :: top == seen ->
#else
              :: top == seen && tag == seen_tag ->
#endif
                 top = (next == LIVE -> 0 : next); tag++; mine = seen; break
              :: else -> seen = top; seen_tag = tag; tries++
              fi
          }
       :: else -> break
       od;
       if
       :: mine == 0 && spilled != 0 ->                  /* take_spilled */
          next = 1;
          do
          :: next <= BLOCKS ->
             if
             :: spilled_bit[next] ->                    /* seen by the load */
#ifdef BUG_BIT_LOAD_STORE
                spilled_bit[next] = false; mine = next; break
#else
                atomic {
                    if
                    :: spilled_bit[next] -> spilled_bit[next] = false; mine = next; break
                    :: else -> next++
                    fi
                }
#endif
             :: else -> next++
             fi
          :: else -> break
          od;
          if :: mine != 0 -> spilled-- :: else -> skip fi
       :: else -> skip
       fi;
       if
       :: mine != 0 ->
          d_step { assert(holder[mine] == 0); holder[mine] = _pid; next = 0 }   /* C1 */
          link[mine] = LIVE;                            /* shared_index_pool.I1 */
          d_step { assert(holder[mine] == _pid && link[mine] == LIVE); holder[mine] = 0 }
          d_step { seen = top; seen_tag = tag; tries = 0 }
          do
          :: tries < TRIES ->
             link[mine] = seen;
             atomic {
                 if
                 :: top == seen && tag == seen_tag -> top = mine; tag++; mine = 0; break
                 :: else -> seen = top; seen_tag = tag; tries++
                 fi
             }
          :: else ->
             atomic { assert(!spilled_bit[mine]); spilled_bit[mine] = true }
             spilled++; break
          od
       :: else -> skip
       fi;
       skip;                                            /* Spin jumps into no d_step */
       d_step { seen = 0; seen_tag = 0; next = 0; tries = 0; mine = 0; round++ }
    :: else -> break
    od;
    ended++
}
init {
    byte i = 0, n = 0;
    atomic { i = 1; do :: i < BLOCKS -> link[i] = i + 1; i++ :: else -> break od; i = 0;
             do :: i < THREADS -> run thread(); i++ :: else -> break od }
    (ended == THREADS);
    d_step {                    /* C3, C7: every block is in the list or spilled, once */
        i = top;
        do :: i != 0 && n <= BLOCKS -> n++; i = link[i] :: else -> break od;
        i = 1;
        do :: i <= BLOCKS -> n = n + spilled_bit[i]; i++ :: else -> break od;
        assert(n == BLOCKS && tag < 200)
    }
}
