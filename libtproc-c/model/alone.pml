/*
 * A queue with one sender and one receiver at a time (put_alone and get_alone of ../src/shared/queue.c), and the
 * reaper's tproc_queue_mend. The first sender, or receiver, leaves or is killed at any step, and the next takes its
 * place. The tail is exact to the thread that has written it, and a hint to the next one; a sender does not look at
 * cells that head says are received; and a message without a block is not claimed, and received when head passes it.
 *
 * Shown: a sender only writes into a cell that is empty, or has been received; and what queue.pml shows. BROKEN_… have
 * to be found.
 */
#define SENDERS 2
#define RECEIVERS 2
#ifndef MESSAGES
#define MESSAGES 3
#endif
#define CELLS 2
#ifndef KILLS
#define KILLS 1
#endif
#define ALL (SENDERS + RECEIVERS)
#define IDS (SENDERS * MESSAGES)
#define TAKEN 15
#define NONE 15
#define HAS_BLOCK(id) ((id) % MESSAGES == 1)
#define HAS_LEFT(i) (ended[i] && (!killed[i] || dead[i]))

mtype:phase = { EMPTY, WRITING, FULL, READING };
mtype:tag = { SENDERS_OWN, CHANNELS, RECEIVED };

byte position[CELLS]; mtype:phase phase[CELLS]; byte token[CELLS]; byte what[CELLS];
mtype:tag tag[IDS];
byte head, tail, room, exact_to = NONE;
bool killed[ALL], ended[ALL], dead[ALL], sent[IDS];
byte got[IDS], next_id, kills;
bool receiver_died;

#define SENDERS_GONE (HAS_LEFT(0) && HAS_LEFT(1))
#define NO_RECEIVER (dead[3])
#define ANY(p) (phase[0] == p || phase[1] == p)
#define IS_UNREAD(cell) (phase[cell] == FULL && position[cell] >= head)
#define ANY_UNREAD (IS_UNREAD(0) || IS_UNREAD(1))
#define IS_BEHIND_HEAD(at) (head + CELLS > at)

proctype Sender(byte me) {
  byte message = 0, at, cell, seen, id; mtype:phase seen_phase;
  {
    (me == 0 || HAS_LEFT(0));
    do
    :: message == MESSAGES -> break
    :: message < MESSAGES ->
#ifdef BROKEN_TAKEOVER
       if
       :: exact_to != NONE -> goto exact
#else
       if
       :: exact_to == me -> goto exact
#endif
       :: else -> at = tail
       fi;
walk:
       cell = at % CELLS;
       atomic { seen = position[cell]; seen_phase = phase[cell] };
#ifdef BROKEN_LOOK
       if
       :: seen == at && seen_phase == EMPTY
       :: else ->  /* looks again, for who is before it, and takes what has become empty for one that is not */
          atomic {
            seen = position[cell];
            if
            :: phase[cell] == EMPTY -> seen_phase = FULL
            :: else -> seen_phase = phase[cell]
            fi
          }
       fi;
#endif
       if
       :: seen == at && seen_phase == EMPTY -> tail = at; room = at + 1; exact_to = me
       :: seen < at && IS_BEHIND_HEAD(at) -> tail = at; room = at + 1; exact_to = me
       :: seen < at && !IS_BEHIND_HEAD(at) ->  /* of the round before: waits for room */
          (position[cell] != seen || phase[cell] != seen_phase || IS_BEHIND_HEAD(at) || NO_RECEIVER);
          if
          :: NO_RECEIVER -> break
          :: else -> at = tail; goto walk
          fi
       :: seen > at || (seen == at && seen_phase != EMPTY) -> at++; goto walk
       fi;
exact:
       at = tail;
       cell = at % CELLS;
       if
       :: room > at
       :: room <= at ->
          seen = head + CELLS;
          if
          :: seen > at -> room = seen
          :: seen <= at ->
             ((position[cell] == at && phase[cell] == EMPTY) || IS_BEHIND_HEAD(at) || NO_RECEIVER);
             if
             :: NO_RECEIVER -> break
             :: else
             fi
          fi
       fi;
       id = me * MESSAGES + message;
       assert((position[cell] == at && phase[cell] == EMPTY) ||
              (position[cell] < at && phase[cell] == FULL && IS_BEHIND_HEAD(at)));
#ifndef BROKEN_CLAIM
       if
       :: HAS_BLOCK(id) -> d_step { position[cell] = at; phase[cell] = WRITING; token[cell] = me }
       :: else
       fi;
#endif
       what[cell] = id;
       if
       :: HAS_BLOCK(id) -> d_step { tag[id] = CHANNELS; sent[id] = true }
       :: else
       fi;
#ifdef BROKEN_TAIL
       tail = at + 1;
#endif
       d_step { position[cell] = at; phase[cell] = FULL; token[cell] = 0; sent[id] = true };
       tail = at + 1;
       message++
    od
  } unless { killed[me] };
  ended[me] = true
}

proctype Receiver(byte me) {
  byte at, passed, cell, seen, id; mtype:phase seen_phase;
  {
    (me == 2 || HAS_LEFT(2));
    do
    :: me == 2 -> break  /* leaves */
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
       :: seen < at || (seen == at && (seen_phase == EMPTY || seen_phase == WRITING)) -> goto nothing
       :: seen == at && seen_phase == READING -> at++; passed++; goto look
       :: seen == at && seen_phase == FULL ->
          id = what[cell];
          assert(id < IDS);
          if
          :: HAS_BLOCK(id) -> d_step { phase[cell] = READING; token[cell] = me }
          :: else
          fi;
          if
          :: HAS_BLOCK(id) -> atomic { assert(tag[id] == CHANNELS); tag[id] = RECEIVED }
          :: else
          fi;
          if
          :: HAS_BLOCK(id) -> what[cell] = TAKEN
          :: else
          fi;
#ifdef BROKEN_HEAD
          head = at + 1;
#endif
          d_step {
            if
            :: !HAS_BLOCK(id) && head == at -> head = at + 1
            :: else -> position[cell] = at + CELLS; phase[cell] = EMPTY; token[cell] = 0
            fi;
            got[id]++;
            assert(got[id] == 1);
            assert(id >= next_id);
            next_id = id + 1
          };
          if
          :: head == at -> head = at + 1
          :: else
          fi
       fi;
       goto next;
nothing:
       /* Sleeps until there is what comes next, or the last sender has gone and nothing is left. */
       cell = at % CELLS;
       ((position[cell] == at && phase[cell] == FULL) || position[cell] > at ||
        (SENDERS_GONE && !ANY_UNREAD && !ANY(WRITING) && !ANY(READING)));
       if
       :: !ANY_UNREAD && SENDERS_GONE && !ANY(WRITING) && !ANY(READING) -> break
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
  :: atomic { kills < KILLS && !killed[3] && !ended[3] -> kill(3) }
  :: break  /* so that nobody who is stuck is helped by being killed */
  od
}

/* mend, of a cell whose token is that of i, who has died */
inline mend(cell) {
  if
  :: (phase[cell] == WRITING || phase[cell] == READING) && token[cell] == i ->
     found = what[cell];
     if
     :: (phase[cell] == READING && found != TAKEN && !HAS_BLOCK(found)) ||
        (found != TAKEN && HAS_BLOCK(found) && tag[found] == CHANNELS) ->
        atomic { phase[cell] = FULL; token[cell] = 0 }
     :: else ->
        what[cell] = TAKEN;
        atomic { position[cell] = position[cell] + CELLS; phase[cell] = EMPTY; token[cell] = 0 }
     fi
  :: else
  fi
}

/* The reaper mends before another may take the dead one's place. */
inline bury() {
  mend(0);
  mend(1);
  dead[i] = true
}

active proctype Reaper() {
  byte i, found, id;
end:
  do
  :: atomic { ended[0] && killed[0] && !dead[0] -> i = 0 }; bury()
  :: atomic { ended[1] && killed[1] && !dead[1] -> i = 1 }; bury()
  :: atomic { ended[2] && killed[2] && !dead[2] -> i = 2 }; bury()
  :: atomic { ended[3] && killed[3] && !dead[3] -> i = 3 }; bury()
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
  byte id;
  d_step {
    position[0] = 0; position[1] = 1; phase[0] = EMPTY; phase[1] = EMPTY; what[0] = TAKEN; what[1] = TAKEN;
    id = 0;
    do
    :: id < IDS -> tag[id] = SENDERS_OWN; id++
    :: id == IDS -> break
    od
  };
  atomic { run Sender(0); run Sender(1); run Receiver(2); run Receiver(3) }
}
