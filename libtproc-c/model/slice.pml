/*
 * A slice of two blocks, as ../src/shared/{slice,cache,heap}.c and the reaper's end_slice use it: threads claim, adopt,
 * allocate, free each other's blocks, leave, and are killed at any step. The hand of a thread that allocated a block is
 * open: any other may free it.
 *
 * Shown: only the thread whose slice it is allocates from it, a block that is allocated is never allocated again, and a
 * free slice has no block and no class. BROKEN_… have to be found.
 */
#define N 3
#ifndef KILLS
#define KILLS 2
#endif
#define BLOCKS 2
#define FREE 0
#define ABANDONED 99

byte owner;        /* FREE, ABANDONED, or a thread's number + 1 */
bool class;        /* whether it has one */
byte tag[BLOCKS];  /* 0: free; a thread's number + 1 */
bool killed[N], ended[N], dead[N];
byte kills;

inline swap(from, done) {
  atomic {
    if
    :: owner == from -> owner = me + 1; done = true
    :: else -> done = false
    fi
  }
}

/* Empty as a look at one tag after the other finds it. */
inline is_empty(result) {
  result = tag[0] == 0;
  if
  :: result -> result = tag[1] == 0
  :: else
  fi
}

inline release() {
#ifdef BROKEN_RELEASE
  owner = FREE;
  class = false
#else
  class = false;
  owner = FREE
#endif
}

proctype Thread(byte me) {
  bool mine = false, is_it; byte block;
  {
    if
    :: swap(FREE, mine); if :: mine -> assert(!class && tag[0] == 0 && tag[1] == 0); class = true :: else fi
    :: class -> swap(ABANDONED, mine);
#ifdef BROKEN_ADOPTION
       mine = true; owner = me + 1;
#endif
       if
       :: mine && !class -> owner = ABANDONED; mine = false
       :: else
       fi
    :: true
    fi;
    /* Allocates, and frees what it finds, its own or another's. */
    if
    :: mine ->
       if
       :: tag[0] == 0 -> atomic { assert(tag[0] == 0 && owner == me + 1); tag[0] = me + 1 }
       :: tag[1] == 0 -> atomic { assert(tag[1] == 0 && owner == me + 1); tag[1] = me + 1 }
       :: true
       fi
    :: else
    fi;
    if
    :: atomic { tag[0] != 0 -> tag[0] = 0 }
    :: atomic { tag[1] != 0 -> tag[1] = 0 }
    :: true
    fi;
    if
    :: mine ->
       is_empty(is_it);
       if
       :: is_it -> release()
       :: else -> owner = ABANDONED
       fi
    :: else
    fi
  } unless { killed[me] };
  ended[me] = true
}

inline kill(who) {
  killed[who] = true;
  kills++
}

active proctype Killer() {
end:
  do
  :: atomic { kills < KILLS && !killed[0] && !ended[0] -> kill(0) }
  :: atomic { kills < KILLS && !killed[1] && !ended[1] -> kill(1) }
  :: atomic { kills < KILLS && !killed[2] && !ended[2] -> kill(2) }
  :: break  /* so that nobody who is stuck is helped by being killed */
  od
}

/* Thread i has died. */
inline bury() {
  dead[i] = true;
  if
  :: owner == i + 1 ->  /* end_slice */
     if
     :: !class -> release()
     :: else ->
        is_empty(is_it);
        if
        :: is_it -> release()
        :: else -> owner = ABANDONED
        fi
     fi
  :: else
  fi;
  atomic {  /* its blocks, by compare-and-swap; allocated ones may be others' */
    if
    :: tag[0] == i + 1 -> tag[0] = 0
    :: else
    fi
  };
  atomic {
    if
    :: tag[1] == i + 1 -> tag[1] = 0
    :: else
    fi
  }
}

active proctype Reaper() {
  byte i; bool is_it;
end:
  do
  :: atomic { ended[0] && killed[0] && !dead[0] -> i = 0 }; bury()
  :: atomic { ended[1] && killed[1] && !dead[1] -> i = 1 }; bury()
  :: atomic { ended[2] && killed[2] && !dead[2] -> i = 2 }; bury()
  od
}

active proctype Watcher() {
end:
  do
  :: atomic { owner == FREE -> assert(!class && tag[0] == 0 && tag[1] == 0) }
  od
}

init { atomic { run Thread(0); run Thread(1); run Thread(2) } }
