/* thread_exit.pml - include/ashlar/malloc/heap_registry.hpp with heap_free.hpp: remote frees while threads end, heaps are
 * left behind, their spans adopted, and heaps given to other threads.
 *
 * One span with one block for each freeing thread. Heap 1 is its owner's, whose thread ends (detach); ADOPTERS threads
 * have a heap of their own, adopt the span if it has room (adopt_partial), and end too. REMOTES threads free a block.
 *   push_remote, read_mail, settle, emptied     heap<Store>, heap_free.hpp
 *   detach, adopt_partial, tend                 heap_registry<Heap>
 * When all threads have ended the span has been given back: nothing waits for somebody to look by chance.
 * The span has room all the time: it is in its heap's partial_ list. Empty spans are given back at once (kept_limit 0).
 */
#ifndef REMOTES
#define REMOTES 2
#endif
#ifndef ADOPTERS
#define ADOPTERS 1
#endif
#define HEAPS (ADOPTERS + 1)
#define NONE 255

byte owner = 1;                 /* span.owner */
byte remote;                    /* remote_list::word_: how many wait */
byte used = REMOTES;            /* span.used(): out, or freed and not yet home (remote_list.I2) */
byte next_in_mail;              /* one span: the chain is it alone */
bool given_back;
byte mail[HEAPS + 1];           /* mailbox::top_: 1 is the span */
bool orphan[HEAPS + 1];
bool forwarded;                 /* heap_registry::forwarded_: under the lock */
byte lock;                      /* heap_registry::lock_: who holds it, by process + 1 */
byte inside[HEAPS + 1];         /* ghost: who works on a heap's lists: its thread, or under the lock */

#define take_lock atomic { lock == 0 -> lock = _pid + 1 }
#define drop_lock lock = 0

/* Only one may work on a heap's own lists at a time (heap_registry.I1). */
inline begin_work(h) { atomic { assert(inside[h] == 0 || inside[h] == _pid + 1); inside[h] = _pid + 1 } }
inline end_work(h) { inside[h] = 0 }

/* heap::came_home and emptied, for the heap h that owns the span */
inline came_home(n) {
    d_step {
        assert(!given_back && n > 0 && n <= used);
        assert(inside[owner] == _pid + 1);             /* on the lists of the heap whose span it is */
        used = used - n;
        if
        :: used == 0 -> given_back = true
        :: else -> skip
        fi
    }
}
/* heap::read_mail of heap h; `tell` is its for_orphan */
inline read_mail(h) {
    atomic { got = mail[h]; mail[h] = 0 }              /* take_all */
    if
    :: got != 0 ->
       d_step { assert(!given_back); o = owner }
       if
#ifndef BUG_NO_FORWARD
       :: o != h ->
          announce(o);                                 /* adopted since: forward */
          if
#ifndef BUG_NO_TELL
          :: orphan[o] -> tell = true                  /* seq_cst: pairs with the fence in detach */
#endif
          :: else -> skip
          fi
#endif
       :: else ->
          atomic { n = remote; remote = 0 };           /* remote_list::take */
          came_home(n); n = 0
       fi
    :: else -> skip
    fi;
    got = 0; o = 0
}
/* under the lock, of an orphan: read_mail's note_forwarded */
inline read_orphans_mail(h) {
    read_mail(h);
    d_step { forwarded = forwarded || tell; tell = false }
}
inline announce(h) { d_step { assert(mail[h] == 0); mail[h] = 1 } }

/* under the lock */
inline settle_forwarded() {
    do
    :: forwarded ->
       d_step { forwarded = false; f = 1 };
       do
       :: f <= HEAPS && orphan[f] && mail[f] != 0 -> settle_orphan(f); f++
       :: f <= HEAPS && !(orphan[f] && mail[f] != 0) -> f++
       :: else -> break
       od
    :: else -> break
    od;
    f = 0
}
inline settle_orphan(h) { begin_work(h); read_orphans_mail(h); end_work(h) }

/* of a heap with a thread, which then tells of what it forwarded to an orphan: tend_forwarded */
inline settle(h) {
    begin_work(h); read_mail(h); end_work(h);
    if
    :: tell ->
       tell = false;
       take_lock;
       forwarded = true;
       settle_forwarded();
       drop_lock
    :: else -> skip
    fi
}

/* registry.tend: somebody freed a block of an orphan */
inline tend(h) {
    take_lock;
    if
    :: orphan[h] -> settle_orphan(h)
    :: else -> skip
    fi;
    settle_forwarded();
    drop_lock
}
inline push_remote() {
    d_step { was = remote; remote++; assert(!given_back) }          /* remote_list::push */
    if
    :: was == 0 ->
       to = owner;                                     /* read again: it may have been adopted meanwhile */
       announce(to);
#ifdef BUG_NO_TEND
       skip
#else
       if
       :: orphan[to] -> tend(to)                       /* seq_cst: pairs with the fence in detach */
       :: else -> skip
       fi
#endif
    :: else -> skip
    fi
}
inline detach(h) {
    settle(h);
    take_lock;
#ifdef BUG_MAIL_BEFORE_ORPHAN
    if
    :: mail[h] != 0 -> settle_orphan(h)
    :: else -> skip
    fi;
    orphan[h] = true;
#else
    orphan[h] = true;                                  /* then the fence: pairs with push_remote */
    if
    :: mail[h] != 0 -> settle_orphan(h)
    :: else -> skip
    fi;
#endif
    settle_forwarded();
    drop_lock
}
inline adopt_partial(to) {
#ifndef BUG_ADOPT_UNLOCKED
    take_lock;
#endif
    from = 1;
    do
    :: from <= HEAPS && orphan[from] && from != to ->
       begin_work(from);
       if
       :: mail[from] != 0 -> read_orphans_mail(from)
       :: else -> skip
       fi;
       d_step {
           if
           :: !given_back && owner == from -> owner = to
           :: else -> skip
           fi
       };
       end_work(from);
       from++
    :: from <= HEAPS && !(orphan[from] && from != to) -> from++
    :: else -> break
    od;
    from = 0;
    settle_forwarded();
#ifndef BUG_ADOPT_UNLOCKED
    drop_lock
#endif
}

byte ended;

proctype freer() {
    byte to, was, got, o, n, f;
    bool tell;
    push_remote();
    d_step { to = 0; was = 0; ended++ }
}
active proctype first_thread() {       /* of heap 1 */
    byte got, o, n, f;
    bool tell;
    detach(1);
    ended++
}
proctype adopter(byte h) {
    byte from, got, o, n, f;
    bool tell;
    adopt_partial(h);
    settle(h);
    detach(h);
    ended++
}
init {
    byte i = 0;
    atomic {
        do :: i < REMOTES -> run freer(); i++ :: else -> break od;
        i = 2;
        do :: i <= HEAPS -> run adopter(i); i++ :: else -> break od
    }
    /* Every thread has ended, every block was freed. */
    (ended == REMOTES + 1 + ADOPTERS);
    assert(given_back && used == 0 && remote == 0)
}
