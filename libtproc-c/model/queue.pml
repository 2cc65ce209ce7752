/*
 * The queue of ../src/shared/queue.c: cells that senders and receivers claim, blocks that go with messages, and the
 * reaper's tproc_queue_mend. Processes are killed at any step. Message 0 of each sender has no block, the next has one.
 *
 * Shown: no message is received twice; one that was sent is received, unless its receiver died with it; one receiver
 * gets a sender's messages in order; and nobody waits for ever. A message with a block is sent when the block is the
 * channels', and received when it is not any more. BROKEN_… have to be found.
 */
#define SENDERS 2
#ifndef RECEIVERS
#define RECEIVERS 1
#endif
#define MESSAGES 2
#define CELLS 2
#ifndef KILLS
#define KILLS 1
#endif
#define ALL (SENDERS + RECEIVERS)
#define IDS (SENDERS * MESSAGES)
#define TAKEN 15
#define HAS_BLOCK(id) ((id) % MESSAGES == 1)

mtype:phase = { EMPTY, WRITING, FULL, READING };
mtype:tag = { SENDERS_OWN, CHANNELS, RECEIVED };

byte position[CELLS]; mtype:phase phase[CELLS]; byte token[CELLS]; byte what[CELLS];
mtype:tag tag[IDS];
byte head, tail;
bool killed[ALL], ended[ALL], dead[ALL], sent[IDS];
byte got[IDS], last[SENDERS], kills;
bool receiver_died;

#define SENDERS_GONE (ended[0] && (!killed[0] || dead[0]) && ended[1] && (!killed[1] || dead[1]))
#define ANY(p) (phase[0] == p || phase[1] == p)
#if RECEIVERS == 1
#define NO_RECEIVER dead[2]
#else
#define NO_RECEIVER (dead[2] && dead[3])
#endif

proctype Sender(byte me) {
  byte message = 0, at, cell, seen; mtype:phase seen_phase;
  {
    do
    :: message == MESSAGES -> break
    :: message < MESSAGES ->
       at = tail;
again:
       cell = at % CELLS;
       atomic { seen = position[cell]; seen_phase = phase[cell] };
       if
       :: seen == at && seen_phase == EMPTY ->
          atomic {
            if
            :: position[cell] == seen && phase[cell] == EMPTY -> phase[cell] = WRITING; token[cell] = me
            :: else -> goto again
            fi
          };
#ifdef BROKEN_FILL
          if
          :: HAS_BLOCK(me * MESSAGES + message) -> tag[me * MESSAGES + message] = CHANNELS
          :: else
          fi;
          what[cell] = me * MESSAGES + message;
#else
          what[cell] = me * MESSAGES + message;
          if
          :: HAS_BLOCK(me * MESSAGES + message) ->
             d_step { tag[me * MESSAGES + message] = CHANNELS; sent[me * MESSAGES + message] = true }
          :: else
          fi;
#endif
          d_step { phase[cell] = FULL; token[cell] = 0; sent[me * MESSAGES + message] = true };
          atomic {
            if
            :: tail == at -> tail = at + 1
            :: else
            fi
          };
          message++
       :: seen < at ->  /* of the round before: waits for room */
          (position[cell] != seen || phase[cell] != seen_phase || NO_RECEIVER);
          if
          :: NO_RECEIVER -> break
          :: else -> at = tail; goto again
          fi
       :: else ->
          atomic {
            if
            :: tail == at -> tail = at + 1
            :: else
            fi
          };
          at++;
          goto again
       fi
    od
  } unless { killed[me] };
  ended[me] = true
}

proctype Receiver(byte me) {
  byte at, passed, cell, seen, id; mtype:phase seen_phase;
  {
    do
    :: at = head; passed = 0;
look:
       if
       :: passed == CELLS -> goto nothing
       :: else
       fi;
       cell = at % CELLS;
       atomic { seen = position[cell]; seen_phase = phase[cell] };
       if
       :: seen > at ->
          atomic {
            if
            :: head == at -> head = at + 1
            :: else
            fi
          };
          at++;
          goto look
       :: seen < at || (seen == at && seen_phase == EMPTY) -> goto nothing
       :: seen == at && seen_phase == WRITING ->
#ifdef BROKEN_PASSING
          at++; passed++; goto look
#else
          goto nothing
#endif
       :: seen == at && seen_phase == READING -> at++; passed++; goto look
       :: seen == at && seen_phase == FULL ->
          atomic {
            if
            :: position[cell] == seen && phase[cell] == FULL -> phase[cell] = READING; token[cell] = me
            :: else -> goto next
            fi
          };
          id = what[cell];
          assert(id < IDS);
          if
          :: HAS_BLOCK(id) -> atomic { assert(tag[id] == CHANNELS); tag[id] = RECEIVED }
          :: else
          fi;
          if
          :: HAS_BLOCK(id) -> what[cell] = TAKEN
          :: else
          fi;
          d_step {
            position[cell] = at + CELLS; phase[cell] = EMPTY; token[cell] = 0;
            got[id]++;
            assert(got[id] == 1);
#if RECEIVERS == 1
            assert(last[id / MESSAGES] < id % MESSAGES + 1);
            last[id / MESSAGES] = id % MESSAGES + 1
#endif
          };
          atomic {
            if
            :: head == at -> head = at + 1
            :: else
            fi
          }
       fi;
       goto next;
nothing:
       /* Sleeps until there is something, or the last sender has gone and nothing is left. */
       (ANY(FULL) || (SENDERS_GONE && !ANY(WRITING) && !ANY(READING)));
       if
       :: !ANY(FULL) && SENDERS_GONE && !ANY(WRITING) && !ANY(READING) -> break
       :: else
       fi;
next:
       skip
    od
  } unless { killed[me] };
  ended[me] = true
}

inline kill(who) {
  killed[who] = true;
  kills++;
  receiver_died = receiver_died || who >= SENDERS
}

active proctype Killer() {
end:
  do
  :: atomic { kills < KILLS && !killed[0] && !ended[0] -> kill(0) }
  :: atomic { kills < KILLS && !killed[1] && !ended[1] -> kill(1) }
  :: atomic { kills < KILLS && !killed[2] && !ended[2] -> kill(2) }
#if RECEIVERS == 2
  :: atomic { kills < KILLS && !killed[3] && !ended[3] -> kill(3) }
#endif
  :: break  /* so that nobody who is stuck is helped by being killed */
  od
}

/* mend, of a cell whose token is dead */
inline mend(cell) {
  if
  :: (phase[cell] == WRITING || phase[cell] == READING) && dead[token[cell]] ->
     found = what[cell];
     if
     :: (phase[cell] == READING && found != TAKEN && !HAS_BLOCK(found)) ||
        (found != TAKEN && HAS_BLOCK(found) && tag[found] == CHANNELS) ->
#ifdef BROKEN_MENDING
        atomic { position[cell] = position[cell] + CELLS; phase[cell] = EMPTY; token[cell] = 0 }
#else
        atomic { phase[cell] = FULL; token[cell] = 0 }
#endif
     :: else ->
        what[cell] = TAKEN;
        atomic { position[cell] = position[cell] + CELLS; phase[cell] = EMPTY; token[cell] = 0 }
     fi
  :: else
  fi
}

/* Thread i has died. */
inline bury() {
  dead[i] = true;
  mend(0);
  mend(1)
}

active proctype Reaper() {
  byte i, found, id;
end:
  do
  :: atomic { ended[0] && killed[0] && !dead[0] -> i = 0 }; bury()
  :: atomic { ended[1] && killed[1] && !dead[1] -> i = 1 }; bury()
  :: atomic { ended[2] && killed[2] && !dead[2] -> i = 2 }; bury()
#if RECEIVERS == 2
  :: atomic { ended[3] && killed[3] && !dead[3] -> i = 3 }; bury()
#endif
  :: timeout -> break
  od;
  /* No step is left for anybody. A block goes with the receiver that has died, or it has come. */
  id = 0;
  do
  :: id < IDS ->
     assert(!sent[id] || got[id] == 1 || receiver_died);
     assert(tag[id] != CHANNELS || receiver_died);  /* no block is left where nobody looks */
     id++
  :: id == IDS -> break
  od
}

init {
  d_step {
    position[0] = 0; position[1] = 1; phase[0] = EMPTY; phase[1] = EMPTY; what[0] = TAKEN; what[1] = TAKEN;
    tag[0] = SENDERS_OWN; tag[1] = SENDERS_OWN; tag[2] = SENDERS_OWN; tag[3] = SENDERS_OWN
  };
  atomic {
    run Sender(0); run Sender(1); run Receiver(2);
#if RECEIVERS == 2
    run Receiver(3)
#endif
  }
}
