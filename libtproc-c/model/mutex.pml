/*
 * The mutex of ../src/shared/mutex.c, and the reaper's part (tproc_mutex_bury_owner, wake_waiters), for N threads of
 * processes of their own that are killed at any step. The futex is a set of threads that sleep.
 *
 * Shown: one owner at a time, and nobody sleeps for ever (no end state but the end). BROKEN_… leave something out, and
 * have to be found.
 */
#define N 3
#ifndef KILLS
#define KILLS 2
#endif

byte owner; bool waiters, died;  /* the word */
bool killed[N], ended[N];        /* the kernel's: it is to die, it is dead */
bool dead[N];                    /* the reaper's: its token is */
bool waiting_on[N], asleep[N], done[N];
byte inside, kills;

inline wake_one() {
  atomic {
    if
    :: asleep[0] -> asleep[0] = false
    :: asleep[1] -> asleep[1] = false
    :: asleep[2] -> asleep[2] = false
    :: !asleep[0] && !asleep[1] && !asleep[2]
    fi
  }
}

proctype Thread(byte me) {
  byte seen; bool seen_waiters, seen_died, mark = false, woke;
  {
    do
    :: atomic { seen = owner; seen_waiters = waiters; seen_died = died };  /* try_once */
       if
       :: seen == 0 ->
          atomic {
            if
            :: owner == 0 && waiters == seen_waiters && died == seen_died ->
               owner = me + 1; waiters = waiters || mark; break
            :: else
            fi
          }
       :: seen != 0 && dead[seen - 1] ->
          atomic {
            if
            :: owner == seen && waiters == seen_waiters && died == seen_died ->
               owner = me + 1; waiters = true; died = true; break
            :: else
            fi
          }
       :: seen != 0 && !dead[seen - 1] ->  /* sleep_on */
          mark = true;
          atomic {
            if
            :: owner == seen && died == seen_died && waiters == seen_waiters -> waiters = true; woke = false
            :: else -> woke = true
            fi
          };
          if
          :: woke
          :: !woke ->
#ifdef BROKEN_ORDER
             /* as if the word were published after the second look: what a missing fence allows */
             woke = dead[seen - 1];
             waiting_on[me] = true;
#else
             waiting_on[me] = true;
#ifdef BROKEN_LOOK
             woke = false;
#else
             woke = dead[seen - 1];
#endif
#endif
             if
             :: woke
             :: !woke ->
                atomic {
                  if
                  :: owner == seen && waiters && died == seen_died -> asleep[me] = true
                  :: else
                  fi
                };
                !asleep[me]
             fi;
             waiting_on[me] = false
          fi
       fi
    od;
    inside++;
    assert(inside == 1 || died);  /* a dead one may have stayed inside; then it is said */
    inside = 1;
    died = false;  /* tproc_mutex_consistent */
    inside = 0;
    atomic { woke = waiters; owner = 0; waiters = false };  /* tproc_mutex_give */
    if
    :: woke -> wake_one()
    :: !woke
    fi;
    done[me] = true
  } unless { killed[me] };
  ended[me] = true
}

inline kill(who) {
  killed[who] = true;
  kills++;
  asleep[who] = false
}

active proctype Killer() {
end:
  do
  :: atomic { kills < KILLS && !killed[0] && !done[0] -> kill(0) }
  :: atomic { kills < KILLS && !killed[1] && !done[1] -> kill(1) }
  :: atomic { kills < KILLS && !killed[2] && !done[2] -> kill(2) }
  :: break  /* so that nobody who is stuck is helped by being killed */
  od
}

/* Thread i has died. */
inline bury() {
  dead[i] = true;  /* tproc_record_give_back */
  waiting_on[i] = false;
  each = 0;
  do
  :: each < N ->
     if
     :: waiting_on[each] ->
#ifndef BROKEN_BURIAL
        atomic {
          if
          :: owner != 0 && dead[owner - 1] -> owner = 0; died = true; waiters = true
          :: else
          fi
        };
#endif
        asleep[0] = false; asleep[1] = false; asleep[2] = false
     :: !waiting_on[each]
     fi;
     each++
  :: each == N -> break
  od
}

active proctype Reaper() {
  byte i, each;
end:
  do
  :: atomic { ended[0] && killed[0] && !dead[0] -> i = 0 }; bury()
  :: atomic { ended[1] && killed[1] && !dead[1] -> i = 1 }; bury()
  :: atomic { ended[2] && killed[2] && !dead[2] -> i = 2 }; bury()
  od
}

init { atomic { run Thread(0); run Thread(1); run Thread(2) } }
