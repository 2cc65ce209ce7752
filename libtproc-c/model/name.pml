/*
 * Publishing one name, as go_live and is_anothers of ../src/shared/board.c do: two processes that publish and withdraw
 * it, and are killed at any step; the reaper frees what a dead one has.
 *
 * Shown: the name is never published twice at a time, one of two that publish gets it, and who finds it taken may go
 * away. BROKEN_… have to be found.
 */
#define N 2
#ifndef KILLS
#define KILLS 1
#endif
#define ROUNDS 2

mtype:phase = { FREE, FILLING, PENDING, LIVE };

mtype:phase phase[N];  /* of each one's entry; FILLING is its own, and has no name yet */
bool killed[N], ended[N], dead[N];
byte kills;

#define OTHER (1 - me)

proctype Publisher(byte me) {
  byte rounds = 0; mtype:phase seen; bool anothers;
  {
    do
    :: rounds == ROUNDS -> break
    :: rounds < ROUNDS ->
       phase[me] = FILLING;
       do
       ::
#ifdef BROKEN_ORDER
          /* looks before it is PENDING */
#else
          phase[me] = PENDING;
#endif
          anothers = false;
          do
          :: seen = phase[OTHER];
             if
             :: seen == LIVE -> anothers = true; break
             :: seen == PENDING ->
#ifdef BROKEN_SENDING_BACK
                break
#else
                atomic {
                  if
                  :: phase[OTHER] == PENDING -> phase[OTHER] = FILLING; break
                  :: else
                  fi
                }
#endif
             :: seen == FREE || seen == FILLING -> break
             fi
          od;
#ifdef BROKEN_ORDER
          atomic {
            if
            :: !anothers && phase[me] == FILLING -> phase[me] = PENDING
            :: else
            fi
          };
#endif
          if
          :: anothers -> phase[me] = FREE; goto next  /* EEXIST */
          :: else
          fi;
          atomic {
            if
            :: phase[me] == PENDING -> phase[me] = LIVE; break
            :: else
            fi
          }
       od;
       assert(phase[OTHER] != LIVE);
       phase[me] = FREE;  /* withdraws */
next:
       rounds++
    od
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
  :: break  /* so that nobody who is stuck is helped by being killed */
  od
}

active proctype Reaper() {
end:
  do
  :: ended[0] && killed[0] && !dead[0] -> dead[0] = true; phase[0] = FREE
  :: ended[1] && killed[1] && !dead[1] -> dead[1] = true; phase[1] = FREE
  od
}

active proctype Watcher() { end: do :: assert(!(phase[0] == LIVE && phase[1] == LIVE)) od }

init { atomic { phase[0] = FREE; phase[1] = FREE; run Publisher(0); run Publisher(1) } }
