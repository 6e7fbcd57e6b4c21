/* shared_bitmap_pool.pml - include/ashlar/realtime/shared_bitmap_pool.hpp: a bit for each free block, taken and put back by one
 * atomic operation each.
 *
 * THREADS threads allocate and give back ROUNDS times, in a pool of two words of two blocks; the hint is any word.
 */
#ifndef THREADS
#define THREADS 4
#endif
#ifndef ROUNDS
#define ROUNDS 1
#endif
#define WORDS 2
byte word[WORDS] = 3;           /* words_: bit i is set while block i is free */
byte hint, ended;
byte holder[WORDS * 2];         /* ghost */

proctype thread() {
    byte round, w, looked, seen, mask, tries, mine;
    bool got;
    do
    :: round < ROUNDS ->
       w = hint; looked = 0;
       do
       :: looked < WORDS && !got ->
          seen = word[w]; tries = 0;
          do
          :: seen != 0 && tries < 4 && !got ->
             mask = (seen & 1 -> 1 : 2);                  /* the lowest */
#ifdef BUG_LOAD_STORE
             word[w] = seen - mask; got = true; mine = w * 2 + mask - 1;
#else
             atomic {                                     /* fetch_and */
                 got = (word[w] & mask) != 0;
                 word[w] = word[w] & (3 - mask);
                 if :: got -> mine = w * 2 + mask - 1 :: else -> skip fi
             }
#endif
             if
             :: got && looked != 0 -> hint = w
             :: got && looked == 0 -> skip
             :: else -> seen = word[w]; tries++
             fi
          :: else -> break
          od;
          looked++; w = (w + 1) % WORDS
       :: else -> break
       od;
       if
       :: got ->
          d_step { assert(holder[mine] == 0); holder[mine] = _pid }
          d_step { assert(holder[mine] == _pid); holder[mine] = 0 }
          atomic {                                        /* fetch_or */
              mask = (mine % 2) + 1; w = mine / 2;
              assert((word[w] & mask) == 0);               /* shared_bitmap_pool.I1 */
              word[w] = word[w] | mask
          }
       :: else -> skip
       fi;
       skip;
       d_step { got = false; mine = 0; seen = 0; mask = 0; tries = 0; looked = 0; w = 0; round++ }
    :: else -> break
    od;
    ended++
}
init {
    byte i = 0;
    atomic { do :: i < THREADS -> run thread(); i++ :: else -> break od }
    (ended == THREADS);
    assert(word[0] == 3 && word[1] == 3)
}
