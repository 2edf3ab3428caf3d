"""Training over several processes, as `torchrun` starts them: one leads, the others lend it their cores.

Rank 0, the leader, walks the whole road: it alone reads, audits, decides, writes and prints. What takes time is the
encoder, so that is what is spread. Every other rank, a follower, holds the same encoder and does what it is told:

* forward and backward for its share of a batch's rows; the head sees the whole batch on the leader, so that the loss is
  exactly that of one process, whatever mixes rows (pairs, weights, dropout of the head);
* its share of an optimiser step: gradients are summed over ranks, and each rank keeps all of AdamW's state (replicated)
  or that of its slice of the flat vector (sharded: ZeRO, Rajbhandari et al. 2020);
* its share of the batches where texts are only encoded.

Followers decide nothing, so there is nothing to agree on: an early stop, a dropped update or a signal is the leader's
to act on. One that dies ends all, see `lost`.

    launch      which rank this process is, and the crew it leads
    crew        calling the followers, and letting them go
    follower    what a follower does
    spread      the leader's side of a training: features of a batch, outputs of all rows
    exchange    what the optimiser asks of other ranks: sums, norms, slices
    compute     the same with nobody else there, which is the usual case and costs nothing
    group       messages and tensors between ranks
"""
