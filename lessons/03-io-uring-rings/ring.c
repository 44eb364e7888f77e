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

/* 0, or the negative errno of what failed. */
int ring(void)
{
	/* ANCHOR: point */
	struct io_uring ring;
	int failed = io_uring_queue_init(8, &ring, 0);
	if (failed)
		return failed;
	for (unsigned round = 0; round < ROUNDS; round++) {
		for (int n = 0; n < BATCH; n++) {
			/* NULL when the queue is full: it has 8 slots, and 4 are used. */
			struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
			io_uring_prep_nop(sqe);
			/* After prep: older versions of it clear the name again. */
			sqe->user_data = round;
		}
		int took = io_uring_submit_and_wait(&ring, BATCH);
		if (took < 0)
			return took;
		struct io_uring_cqe *cqe;
		unsigned head, seen = 0;
		io_uring_for_each_cqe(&ring, head, cqe)
			seen += cqe->user_data == round;
		/* Nothing gives the slots back but this. */
		io_uring_cq_advance(&ring, seen);
		if (seen != BATCH)
			return -EPROTO;
	}
	io_uring_queue_exit(&ring);
	/* ANCHOR_END: point */
	return 0;
}
