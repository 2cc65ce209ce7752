/*
 * The shared range, byte by byte: the contract between all that take part in it (the host, libtproc in each program,
 * other languages that read it themselves). Programs use tproc.h instead.
 *
 * One rule holds for all of it: truth is one word for each thing, and it changes by one store or compare-and-swap.
 * Whatever else is written is a cache that its writer may lose at any instruction, or a hint. So no process has to be
 * waited for, and nothing to be repaired, when a program is killed; what the dead one had is found by its name in these
 * words.
 *
 *   offset of          what
 *   0                  struct tproc_share: where all else is
 *   owners             struct tproc_owner [owner_count]: who may own a block
 *   threads            struct tproc_thread_record [thread_count]: who may own a slice or a lock
 *   board              struct tproc_board_entry [board_count]: the registry
 *   channels           struct tproc_channel_entry [channel_count]: who has which channel open
 *   accounts           struct tproc_account [account_count]: how much programs may own
 *   slices             struct tproc_slice [slice_count]
 *   tags               uint16_t [slice_count][TPROC_TAG_STRIDE]: the owner of each block, 0: free
 *   data               slice_count slices of TPROC_SLICE_SIZE bytes
 *
 * A channel's messages lie in a block of the heap: struct tproc_queue, and then its struct tproc_cell. So does an
 * arena: struct tproc_arena, and then all that is in it.
 *
 * The range lies at the same address in all of them. Numbers are in the machine's own byte order. A newer host adds
 * fields in what is reserved here, and tables after those that are known here; it changes the version when an older
 * reader would be wrong.
 */
#ifndef TPROC_SHARE_ABI_H
#define TPROC_SHARE_ABI_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/** "tprocshm" read as a little-endian number. */
#define TPROC_SHARE_MAGIC 0x6d6873636f727074ull

/** 2: of a queue with one sender and one receiver, head says what has been received. */
#define TPROC_SHARE_VERSION 2u

/** Bytes of a slice. Slice 0 is never used: its number means none. */
#define TPROC_SLICE_SIZE 65536u

/** Tags of a slice. More than the 4096 blocks of the smallest class, and no power of two, for the sake of caches. */
#define TPROC_TAG_STRIDE 4160u

/** Blocks whose tags are looked at together, and that share one hint. */
#define TPROC_GROUP_BLOCKS 64u

/** Size classes; a class is a number from 1 to TPROC_CLASS_COUNT - 1, and its sizes are in size_class.h. */
#define TPROC_CLASS_COUNT 41u

/** tproc_slice.size_class of the first slice of a large block. */
#define TPROC_CLASS_LARGE 255u

/** Owner that never dies as long as the range exists: the host. */
#define TPROC_OWNER_HOST 1u

/** Owner of what lies in a channel: its queue, and blocks that were sent and not received. Its entry has the host's
 * pid. */
#define TPROC_OWNER_CHANNELS 2u

/**
 * Whether an owner's blocks may have to be counted: the numbers of owners with an account are even, of those without
 * odd. So who frees a block sees it in the tag. (The channels' number is even, and they have none.)
 */
#define TPROC_OWNER_MAY_COUNT(owner) (((owner)&1u) == 0)

/** What stands in tproc_slice.owner. */
#define TPROC_SLICE_FREE 0u
/** Has blocks, and no thread allocates from it: any thread may adopt it. */
#define TPROC_SLICE_ABANDONED 0xffffffffu
/** After the first slice of a large block: this, and the number of the first. */
#define TPROC_SLICE_TAIL 0x80000000u
/** First slice of a large block that is allocated: this, and the number of the block's owner. */
#define TPROC_SLICE_LARGE 0xc0000000u
/** All below this and not 0: the token of the thread that allocates from it, or is about to take or free it. */
#define TPROC_TOKEN_LIMIT 0x40000000u

/** A token is the number of a thread record, and the record's generation when it was taken. */
#define TPROC_TOKEN_RECORD_BITS 14u
#define TPROC_TOKEN_GENERATION_MASK 0xffffu

#ifdef __cplusplus
#define TPROC_SHARED(type) type
extern "C" {
#else
#define TPROC_SHARED(type) _Atomic type
#endif

/** At the start of the range. Up to `reserved` it is written before any other process sees it, and never again. */
struct tproc_share {
  uint64_t magic;         /* 0   TPROC_SHARE_MAGIC */
  uint32_t version;       /* 8   TPROC_SHARE_VERSION of the host */
  uint32_t header_size;   /* 12  sizeof(struct tproc_share) of the host */
  uint64_t base;          /* 16  address of the range, in all processes */
  uint64_t size;          /* 24  bytes of the range */
  uint64_t owners;        /* 32  offset of each table */
  uint64_t threads;       /* 40 */
  uint64_t board;         /* 48 */
  uint64_t slices;        /* 56 */
  uint64_t tags;          /* 64 */
  uint64_t data;          /* 72 */
  uint32_t owner_count;   /* 80  entries of each table */
  uint32_t thread_count;  /* 84 */
  uint32_t board_count;   /* 88 */
  uint32_t slice_count;   /* 92 */
  int32_t host_pid;       /* 96 */
  uint32_t page_size;     /* 100 */
  uint64_t channels;      /* 104 offset of the table; 0: the host is older than channels */
  uint32_t channel_count; /* 112 */
  uint32_t account_count; /* 116 */
  uint64_t accounts;      /* 120 offset of the table; 0: the host is older than accounts */
  /* Hints. Each stands in a cache line of its own. */
  TPROC_SHARED(uint32_t) slices_high; /* 128  slices from here on have never been used */
  TPROC_SHARED(uint32_t) large_freed; /* 132  the lowest slice of large blocks freed since the last look; 0: none */
  uint8_t reserved_high[56];
  TPROC_SHARED(uint32_t) owners_high;  /* 192  the same of owners */
  TPROC_SHARED(uint32_t) threads_high; /* 196  the same of thread records */
  TPROC_SHARED(uint32_t) next_owner;   /* 200  where to look for a free one: late reuse */
  TPROC_SHARED(uint32_t) next_thread;  /* 204 */
  uint8_t reserved_next[48];
  TPROC_SHARED(uint32_t) abandoned[64]; /* 256  about how many abandoned slices there are of each class */
  TPROC_SHARED(uint32_t) bell;          /* 512  event: a process has come whose end the host has to watch for */
  uint8_t reserved_bell[60];
  TPROC_SHARED(uint32_t) board_high; /* 576  entries of the board from here on have never been used */
  uint8_t reserved_board[60];
  TPROC_SHARED(uint32_t) board_event;   /* 640  a tproc_event: the board has changed */
  TPROC_SHARED(uint32_t) channels_high; /* 644  entries of the channels from here on have never been used */
  TPROC_SHARED(uint32_t) deaths;        /* 648  counts the processes that have ended, and is woken (futex) */
  uint8_t reserved_end[52];
};

/** Who may own blocks. A number of this table is a block's tag. 64 bytes. */
struct tproc_owner {
  /**
   * 0: free. Above: the process; it is taken by a swap from 0. Below: the process, negated, has ended; its
   * blocks can be read, and it is given no more. Only the host makes it negative, and 0 again.
   */
  TPROC_SHARED(int32_t) pid;          /* 0 */
  TPROC_SHARED(uint32_t) generation;  /* 4   how often the entry has been given back */
  int32_t status;                     /* 8   once it has ended: its exit status, or 256 + the signal */
  uint32_t reserved_status;           /* 12 */
  TPROC_SHARED(uint64_t) attached_at; /* 16  CLOCK_BOOTTIME in nanoseconds; later than the process's start */
  uint64_t host_note;                 /* 24  the host's own: whose end gives the blocks back */
  uint64_t pid_namespace;             /* 32  inode of the one in which `pid` is the process's; 0: unknown */
  TPROC_SHARED(uint32_t) account;     /* 40  number of the account that its blocks are counted in; 0: none */
  uint8_t reserved[20];               /* 44 */
};

/** Accounts that are open at a time, and one that is none: number 0. */
#define TPROC_ACCOUNT_COUNT 1024u

/**
 * What the processes of one launch, the program and its forked children, may own together. The truth of it is in the
 * tags: `used` is a count of these, which may be too high by what a process was about to do when it was killed. Who
 * finds it at the limit counts anew, once after each death. 64 bytes.
 */
struct tproc_account {
  uint64_t limit; /* 0   bytes. Written before any process knows of the account */
  /** 0-15: counts the changes. 16-63: units of 16 bytes that blocks have room for, two's complement. */
  TPROC_SHARED(uint64_t) used;       /* 8 */
  TPROC_SHARED(uint32_t) generation; /* 16  counts up when it is opened, and when it is closed; even: closed */
  TPROC_SHARED(uint32_t) counted;    /* 20  tproc_share.deaths when it was counted anew */
  uint8_t reserved[40];              /* 24 */
};

/** A thread that allocates or waits. 64 bytes. */
struct tproc_thread_record {
  /** 0: free; else process << 32 | thread. Taken by a swap from 0. */
  TPROC_SHARED(uint64_t) who;        /* 0 */
  TPROC_SHARED(uint32_t) generation; /* 8   counts up when it is given back: tokens of before are dead */
  uint32_t reserved_generation;      /* 12 */
  /** Address of the word that it sleeps on, and in the lowest two bits an enum tproc_wait_kind. 0: none. */
  TPROC_SHARED(uint64_t) waiting_on; /* 16 */
  /** What it keeps from being unmapped: number of a board entry, or 0. */
  TPROC_SHARED(uint32_t) holds[4]; /* 24 */
  uint8_t reserved[24];            /* 40 */
};

/** What kind of word a thread waits on, for the reaper, which has to wake whom the dead would have woken. */
enum tproc_wait_kind {
  TPROC_WAIT_MUTEX = 1, /**< owner's token, and flags */
  TPROC_WAIT_EVENT = 2  /**< counts up by 2; bit 0: a thread waits */
};

/** A slice: 64 KiB of blocks of one class, or a part of a large block. 128 bytes. */
struct tproc_slice {
  TPROC_SHARED(uint32_t) owner;     /* 0   TPROC_SLICE_…, or a token */
  TPROC_SHARED(uint8_t) size_class; /* 4   0: none. Written by the slice's owner, before and after all use */
  TPROC_SHARED(uint8_t) filled;     /* 5   hint: there may be memory in it */
  uint16_t reserved_class;          /* 6 */
  TPROC_SHARED(uint32_t) run;       /* 8   first slice of a large block: how many slices */
  /* The owning thread's own notes, worthless to all others. */
  uint32_t next;     /* 12  the next in the ring of its bin */
  uint32_t blocks;   /* 16 */
  uint16_t groups;   /* 20 */
  uint16_t opened;   /* 22  groups that have been in use */
  uint8_t notes[40]; /* 24 */
  /* Hints. */
  TPROC_SHARED(uint8_t) freed[64]; /* 64  not 0: a block of this group has been freed */
};

#define TPROC_BOARD_COUNT 4096u

/** What a board entry is. */
enum tproc_board_phase {
  TPROC_BOARD_FREE = 0,
  TPROC_BOARD_FILLING = 1, /**< its owner writes the fields, and no other reads them */
  TPROC_BOARD_PENDING = 2, /**< its owner looks whether the name is another's. A second publisher may send it back to
                              FILLING, so of two one stays */
  TPROC_BOARD_LIVE = 3,    /**< published */
  TPROC_BOARD_ENDED = 4    /**< its owner has ended, and had asked for it to be kept */
};

/** tproc_board_entry.flags: it is ENDED, not FREE, when its owner has ended. */
#define TPROC_BOARD_KEPT 1u

/**
 * An entry of the registry. 192 bytes. All of it but the state is written by the owner while it is FILLING; a reader
 * looks at the state before and afterwards.
 */
struct tproc_board_entry {
  /**
   * Bits 0-3: the phase. 4-15: of ENDED, how the owner ended, as in tproc_owner. 16-31: number of the owner. 32-63:
   * counts up when the entry is taken: with the entry's number it names one publication, never another.
   */
  TPROC_SHARED(uint64_t) state; /* 0 */
  uint64_t address;             /* 8 */
  uint64_t size;                /* 16 */
  int32_t pid;                  /* 24  of the owner */
  uint32_t version;             /* 28  the publisher's own */
  uint32_t flags;               /* 32  TPROC_BOARD_KEPT */
  uint32_t name_hash;           /* 36  spares a look at the name */
  uint8_t reserved[8];          /* 40 */
  char name[96];                /* 48  with a NUL */
  char type[48];                /* 144  with a NUL */
};

/**
 * What a host of this version has; programs read channel_count. Two for each of 4,096 slots, as pools of workers need
 * them, and some for others. An entry that was never used takes no memory.
 */
#define TPROC_CHANNEL_COUNT 10240u

/** Type of a board entry that names a channel: its address is that of the channel entry, its version the count there.
 */
#define TPROC_CHANNEL_TAG "tproc.Channel/1"

/** Ends of a channel that are open at a time. */
#define TPROC_PEER_COUNT 64u

/** What a channel entry is. */
enum tproc_channel_phase {
  TPROC_CHANNEL_FREE = 0,
  TPROC_CHANNEL_FILLING = 1, /**< its maker, whose number stands in bits 4-19 of the state, fills it */
  TPROC_CHANNEL_OPEN = 2,    /**< bits 4-31 of the state: how often it has been opened */
  TPROC_CHANNEL_ENDING = 3   /**< no end of it is open; the owner in bits 4-19 frees what lies in it */
};

/** A channel, outside its queue: what has to be there when the queue may have gone. 448 bytes. */
struct tproc_channel_entry {
  /** Bits 0-3: the phase. 32-63: counts up when the entry is taken: with its number it names one channel for good. */
  TPROC_SHARED(uint64_t) state; /* 0 */
  /** Offset of the queue in the range; 0: none. It is the channel's as long as its block is TPROC_OWNER_CHANNELS'. */
  TPROC_SHARED(uint64_t) queue; /* 8 */
  TPROC_SHARED(uint32_t) seen;  /* 16  roles in which it has been open */
  /** Hint. Not 0: look whether there are senders and receivers. */
  TPROC_SHARED(uint32_t) left; /* 20 */
  uint8_t reserved[40];        /* 24 */
  TPROC_SHARED(uint32_t) sent; /* 64  a tproc_event */
  uint8_t reserved_sent[60];
  TPROC_SHARED(uint32_t) received; /* 128  a tproc_event */
  uint8_t reserved_received[60];
  /** Ends that are open. Bits 0-15: the owner; 16-17: the roles; 18-31: the lowest bits of the count in the state. 0:
   * none. */
  TPROC_SHARED(uint32_t) peers[TPROC_PEER_COUNT]; /* 192 */
};

/** What an end of a channel is for. */
#define TPROC_ROLE_SENDER 1u
#define TPROC_ROLE_RECEIVER 2u

/** tproc_queue.flags: one thread at a time sends, or receives. */
#define TPROC_QUEUE_ONE_SENDER 1u
#define TPROC_QUEUE_ONE_RECEIVER 2u

/**
 * A channel's messages, at the start of a block that is aligned to 64 bytes. Cells follow it. 192 bytes.
 *
 * Of a queue with one sender and one receiver, head is no hint: a message without a block is received when head has
 * passed its cell, which stays FULL until it is written anew.
 */
struct tproc_queue {
  uint32_t mask;        /* 0   number of cells - 1; their number is a power of two */
  uint32_t flags;       /* 4   TPROC_QUEUE_… */
  uint32_t spins;       /* 8   how often one who waits looks before it sleeps */
  uint8_t reserved[52]; /* 12 */
  /* Hints: the cells of all positions before are taken, or consumed. Each in a cache line of its own. */
  TPROC_SHARED(uint32_t) tail; /* 64  where to send */
  /* Of a queue with one sender: whose tail is no hint, but what it has written last. */
  TPROC_SHARED(uint32_t) sender; /* 68  its token. For a thread with another one tail is a hint */
  TPROC_SHARED(uint32_t) room;   /* 72  the cells of all positions before are empty, or have been sent */
  uint8_t reserved_tail[52];
  TPROC_SHARED(uint32_t) head; /* 128  what to receive */
  uint8_t reserved_head[60];
};

/** What a cell is. */
enum tproc_cell_phase {
  TPROC_CELL_EMPTY = 0,
  TPROC_CELL_WRITING = 1, /**< the thread of the token writes it */
  TPROC_CELL_FULL = 2,    /**< sent */
  TPROC_CELL_READING = 3  /**< the thread of the token receives it */
};

/** tproc_cell.what of a message that has been received, or was withdrawn. */
#define TPROC_CELL_TAKEN 0xffull

/** Bytes of a message that lie in its cell. */
#define TPROC_CELL_DATA 48u

/** A message, or room for one. 64 bytes. Cell i holds the positions i, i + cells, i + 2 * cells, … one after the other.
 */
struct tproc_cell {
  /** Bits 32-63: position. 30-31: the phase. 0-29: a token, or 0. */
  TPROC_SHARED(uint64_t) state; /* 0 */
  /**
   * Bits 0-7: bytes of data. 8-63: offset in the range of the block that goes with it; 0: none. The message
   * is received when the block's tag names the receiver; then that writes TPROC_CELL_TAKEN.
   */
  TPROC_SHARED(uint64_t) what;         /* 8 */
  unsigned char data[TPROC_CELL_DATA]; /* 16 */
};

/** "tprocarn" read as a little-endian number. */
#define TPROC_ARENA_MAGIC 0x6e7261636f727074ull

/** Size classes of what is freed in an arena: those of size_class.h, and on to 64 GiB in the same way. */
#define TPROC_ARENA_CLASSES 128u

/**
 * An arena: a graph of objects in one block of the heap, which is given, sent and freed as one. Only the block's owner
 * writes in it, one thread at a time, so nothing in it has to be right when that one is killed: the block goes with it.
 * What the arena has handed out lies after the struct. Addresses are absolute; 0: none. 1152 bytes.
 */
struct tproc_arena {
  uint64_t magic;    /* 0   TPROC_ARENA_MAGIC */
  uint64_t capacity; /* 8   bytes of the block, this struct included */
  uint64_t used;     /* 16  bytes of it that have been handed out, from its beginning */
  uint64_t root;     /* 24  the object from which all others can be reached */
  char type[48];     /* 32  of that, with a NUL, for example "acme.Words/1" */
  uint8_t reserved[48];
  uint64_t freed[TPROC_ARENA_CLASSES]; /* 128 of each class the piece freed last, which begins with the one before */
};

#ifdef __cplusplus
}
#define TPROC_LAYOUT(condition) static_assert(condition, #condition)
#else
#define TPROC_LAYOUT(condition) _Static_assert(condition, #condition)
#endif

TPROC_LAYOUT(offsetof(struct tproc_share, owner_count) == 80);
TPROC_LAYOUT(offsetof(struct tproc_share, slices_high) == 128);
TPROC_LAYOUT(offsetof(struct tproc_share, owners_high) == 192);
TPROC_LAYOUT(offsetof(struct tproc_share, abandoned) == 256);
TPROC_LAYOUT(offsetof(struct tproc_share, bell) == 512);
TPROC_LAYOUT(offsetof(struct tproc_share, board_high) == 576);
TPROC_LAYOUT(offsetof(struct tproc_share, board_event) == 640);
TPROC_LAYOUT(offsetof(struct tproc_share, channels) == 104);
TPROC_LAYOUT(offsetof(struct tproc_share, account_count) == 116);
TPROC_LAYOUT(offsetof(struct tproc_share, accounts) == 120);
TPROC_LAYOUT(offsetof(struct tproc_share, deaths) == 648);
TPROC_LAYOUT(sizeof(struct tproc_share) == 704);
TPROC_LAYOUT(offsetof(struct tproc_owner, attached_at) == 16);
TPROC_LAYOUT(offsetof(struct tproc_owner, pid_namespace) == 32);
TPROC_LAYOUT(offsetof(struct tproc_owner, account) == 40);
TPROC_LAYOUT(sizeof(struct tproc_owner) == 64);
TPROC_LAYOUT(offsetof(struct tproc_account, generation) == 16);
TPROC_LAYOUT(sizeof(struct tproc_account) == 64);
TPROC_LAYOUT(offsetof(struct tproc_thread_record, waiting_on) == 16);
TPROC_LAYOUT(offsetof(struct tproc_thread_record, holds) == 24);
TPROC_LAYOUT(sizeof(struct tproc_thread_record) == 64);
TPROC_LAYOUT(offsetof(struct tproc_slice, size_class) == 4);
TPROC_LAYOUT(offsetof(struct tproc_slice, run) == 8);
TPROC_LAYOUT(offsetof(struct tproc_slice, freed) == 64);
TPROC_LAYOUT(sizeof(struct tproc_slice) == 128);
TPROC_LAYOUT(offsetof(struct tproc_board_entry, address) == 8);
TPROC_LAYOUT(offsetof(struct tproc_board_entry, name) == 48);
TPROC_LAYOUT(offsetof(struct tproc_board_entry, type) == 144);
TPROC_LAYOUT(sizeof(struct tproc_board_entry) == 192);
TPROC_LAYOUT(offsetof(struct tproc_channel_entry, queue) == 8);
TPROC_LAYOUT(offsetof(struct tproc_channel_entry, seen) == 16);
TPROC_LAYOUT(offsetof(struct tproc_channel_entry, sent) == 64);
TPROC_LAYOUT(offsetof(struct tproc_channel_entry, received) == 128);
TPROC_LAYOUT(offsetof(struct tproc_channel_entry, peers) == 192);
TPROC_LAYOUT(sizeof(struct tproc_channel_entry) == 448);
TPROC_LAYOUT(offsetof(struct tproc_queue, tail) == 64);
TPROC_LAYOUT(offsetof(struct tproc_queue, head) == 128);
TPROC_LAYOUT(sizeof(struct tproc_queue) == 192);
TPROC_LAYOUT(offsetof(struct tproc_cell, what) == 8);
TPROC_LAYOUT(offsetof(struct tproc_cell, data) == 16);
TPROC_LAYOUT(sizeof(struct tproc_cell) == 64);
TPROC_LAYOUT(offsetof(struct tproc_arena, root) == 24);
TPROC_LAYOUT(offsetof(struct tproc_arena, type) == 32);
TPROC_LAYOUT(offsetof(struct tproc_arena, freed) == 128);
TPROC_LAYOUT(sizeof(struct tproc_arena) == 1152);
TPROC_LAYOUT(TPROC_TAG_STRIDE >= TPROC_SLICE_SIZE / 16);

#endif
