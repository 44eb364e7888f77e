/* Three ways to a ring, the third: with liburing.
 *
 * The same sixteen operations that do nothing, four at a time, as by hand and with
 * the io-uring crate. liburing is the library of the people who write the kernel's
 * part: what it does is how the interface is meant.
 *
 * cc -O2 -shared -fPIC ring.c -luring -o ring.so
 */
#include <errno.h>
#include <liburing.h>

enum { ROUNDS = 4, BATCH = 4 };

/* ANCHOR: point */
/* One batch there and back: 0, or the negative errno of what failed. */
static int batch(struct io_uring *ring, unsigned round)
{
	for (int n = 0; n < BATCH; n++) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
		/* The queue is full. Not here: it has 8 slots, and 4 are used. */
		if (!sqe)
			return -EBUSY;
		io_uring_prep_nop(sqe);
		/* After prep: older versions of it clear the name again. */
		sqe->user_data = round;
	}
	int took = io_uring_submit_and_wait(ring, BATCH);
	if (took < 0)
		return took;
	struct io_uring_cqe *cqes[BATCH];
	unsigned named = 0, seen = io_uring_peek_batch_cqe(ring, cqes, BATCH);
	for (unsigned n = 0; n < seen; n++)
		named += cqes[n]->user_data == round;
	/* Nothing else gives slots back: as many as were seen, whatever they said. */
	io_uring_cq_advance(ring, seen);
	return named == BATCH ? 0 : -EPROTO;
}

/* All batches. There is one way out, whatever failed, and it gives the ring up. */
int ring(void)
{
	struct io_uring ring;
	int failed = io_uring_queue_init(8, &ring, 0);
	if (failed)
		return failed;
	for (unsigned round = 0; round < ROUNDS && !failed; round++)
		failed = batch(&ring, round);
	io_uring_queue_exit(&ring);
	return failed;
}
/* ANCHOR_END: point */
