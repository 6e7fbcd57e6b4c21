/* remote_free.pml - include/ashlar/malloc/remote_list.hpp: blocks that other threads free come home, each once.
 *
 * One owner and REMOTES threads that free BLOCKS blocks each into SPANS spans of the owner's; the owner reads its mail
 * as long as any are out. Every step of the model is one access to a shared word.
 *   push, announce      remote_list::push, mailbox::announce, as heap::push_remote calls them
 *   read_mail           heap::read_mail: mailbox::take_all, remote_list::take, heap::came_home
 */
#ifndef REMOTES
#define REMOTES 4
#endif
#ifndef BLOCKS
#define BLOCKS 1
#endif
#define SPANS 2
#define ALL (REMOTES * BLOCKS)

/* Blocks are 1 .. ALL, spans 1 .. SPANS; 0 is null. */
byte head[SPANS + 1], count[SPANS + 1];  /* remote_list::word_: one word */
byte last[SPANS + 1];                    /* remote_list::last_ */
byte next_in_mail[SPANS + 1];
byte link[ALL + 1];
byte top;                                /* mailbox::top_ */
byte home[ALL + 1];                      /* how often a block came home */
byte in_mail[SPANS + 1];                 /* ghost: how often the span is in the mailbox, or taken out of it and not yet read */
byte came;

inline push(s, b) {
    d_step { old = head[s]; old_count = count[s] }
    do
    :: link[b] = old;                              /* last->set_next */
       atomic {                                    /* compare_exchange_weak */
           if
#ifdef BUG_BLIND_PUSH
           :: true -> head[s] = b; count[s] = old_count + 1; break
#else
           :: head[s] == old && count[s] == old_count -> head[s] = b; count[s] = old_count + 1; break
           :: else -> old = head[s]; old_count = count[s]
#endif
           fi
       }
    od;
    if
#ifdef BUG_ALWAYS_ANNOUNCE
    :: true ->
#else
    :: old_count == 0 ->                           /* it was empty: then announce */
#endif
       last[s] = b;
       announce(s)
    :: else -> skip
    fi;
    old = 0; old_count = 0; seen = 0
}
inline announce(s) {
    d_step { seen = top; in_mail[s]++; assert(in_mail[s] == 1) }  /* remote_list.I1 */
    do
    :: next_in_mail[s] = seen;
       atomic {
           if
           :: top == seen -> top = s; break
           :: else -> seen = top
           fi
       }
    od
}

proctype remote(byte first) {
    byte b = first, s, old, old_count, seen;
    do
    :: b < first + BLOCKS ->
       if
       :: s = 1
       :: s = 2
       fi;
       push(s, b);
       b++
    :: else -> break
    od
}

active proctype owner() {
    byte s, next, l, at, n;
    do
    :: came < ALL ->
       atomic { top != 0 -> s = top; top = 0 }      /* take_all: exchange. Waiting costs no states: an empty one changes nothing */
       do
       :: s != 0 ->
#ifdef BUG_NEXT_LATE
          skip;
#else
          next = next_in_mail[s];                   /* before take: from then on it may be announced again */
#endif
#ifdef BUG_LAST_LATE
          skip;
#else
          l = last[s];                              /* before the exchange: then the next push writes it */
#endif
          d_step { at = head[s]; n = count[s]; head[s] = 0; count[s] = 0; in_mail[s]-- }
#ifdef BUG_LAST_LATE
          l = last[s];
#endif
#ifdef BUG_NEXT_LATE
          next = next_in_mail[s];
#endif
          d_step {
              do                                    /* came_home: the chain of n blocks ends with l */
              :: n > 0 ->
                 assert(at != 0);
                 home[at]++; assert(home[at] == 1);
                 came++; n--;
                 if
                 :: n == 0 -> assert(at == l)
                 :: else -> at = link[at]
                 fi
              :: else -> break
              od;
              at = 0; l = 0
          };
          s = next; next = 0
       :: else -> break
       od
    :: else -> break
    od;
    assert(top == 0 && head[1] == 0 && head[2] == 0)
}

init {
    byte i = 0;
    atomic {
        do
        :: i < REMOTES -> run remote(1 + i * BLOCKS); i++
        :: else -> break
        od
    }
}
