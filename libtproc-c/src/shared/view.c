#include "view.h"

#include <errno.h>

struct table {
  uint64_t at, count, entry;
};

static bool lies_within(const struct table *table, uint64_t size) {
  return table->at % 64 == 0 && table->at <= size && table->count <= (size - table->at) / table->entry;
}

static bool is_understood(const struct tproc_share *share, const void *base, uint64_t size) {
  return share->magic == TPROC_SHARE_MAGIC && share->version == TPROC_SHARE_VERSION &&
         share->header_size >= sizeof *share && share->base == (uint64_t)(uintptr_t)base && share->size == size;
}

int tproc_view_open(struct tproc_view *view, void *base, uint64_t size) {
  struct tproc_share *share = base;
  if (base == NULL || size < sizeof *share || !is_understood(share, base, size)) return EPROTO;
  const struct table tables[] = {
      {share->owners, share->owner_count, sizeof(struct tproc_owner)},
      {share->threads, share->thread_count, sizeof(struct tproc_thread_record)},
      {share->board, share->board_count, sizeof(struct tproc_board_entry)},
      {share->channels, share->channel_count, sizeof(struct tproc_channel_entry)},
      {share->accounts, share->account_count, sizeof(struct tproc_account)},
      {share->slices, share->slice_count, sizeof(struct tproc_slice)},
      {share->tags, share->slice_count, TPROC_TAG_STRIDE * sizeof(uint16_t)},
      {share->data, share->slice_count, TPROC_SLICE_SIZE},
  };
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
    if (!lies_within(&tables[i], size)) return EPROTO;
  unsigned char *bytes = base;
  *view = (struct tproc_view){
      .share = share,
      .owners = (struct tproc_owner *)(bytes + share->owners),
      .threads = (struct tproc_thread_record *)(bytes + share->threads),
      .board = (struct tproc_board_entry *)(bytes + share->board),
      .channels = (struct tproc_channel_entry *)(bytes + share->channels),
      .accounts = (struct tproc_account *)(bytes + share->accounts),
      .slices = (struct tproc_slice *)(bytes + share->slices),
      .tags = (_Atomic uint16_t *)(bytes + share->tags),
      .data = bytes + share->data,
      .size = size,
      .tag_stride = TPROC_TAG_STRIDE * sizeof(uint16_t),
      .owner_count = share->owner_count,
      .thread_count = share->thread_count,
      .board_count = share->board_count,
      .channel_count = share->channel_count,
      .account_count = share->account_count,
      .slice_count = share->slice_count,
  };
  return 0;
}
