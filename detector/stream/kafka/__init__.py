"""The only door to Kafka: a typed façade over aiokafka 0.14 with the few semantics that the detector needs.

`consumer.KafkaStream` and `producer.KafkaWriter` keep the contracts of `stream/base.py`, `connection.Connection` says
how a cluster is reached. What aiokafka can do to us, and why it cannot here ("test:" names what shows it; tests of a
broker are in `tests/integration/test_kafka_stream.py`, `test_kafka_security.py` where it says security):

Transactions (none of ours: no transactional id, no transactional offset commit, no fencing by epochs)
* Zombies that commit in a transaction, commits that lose a failed batch, sends and commits without a timeout,
  coordinators of transactions that are never found again, error codes unknown to the library, delayed ends of
  transactions, offsets read too early, markers left hanging → there is no transaction; delivery is write,
  acknowledgement, commit, and a repeat has the same ids.
* A lost batch breaks the sequence numbers of an idempotent producer (#1017), codes it does not know never heal, its
  sender may die → after any failed or late acknowledgement the producer is discarded; the next one is new. test: a
  record the broker will never take, of a write that fails a prefix is there.
* `send` only queues, and an idempotent producer retries without end → every batch is awaited, under a timeout.
* Upstream's transactions leave markers and aborted records → we read uncommitted; markers are no records, and the end
  is compared with the client's position, never with the last record. test: markers of an upstream transaction.

Groups
* Rebalances are eager: all goes, then all comes → `Fetched.assignment` is always everything. test: members that join.
* Exceptions of callbacks are swallowed → ours wait and take notes, and ask nothing; what is asked is asked in
  `fetch`.
* No heartbeat leaves while partitions are being assigned → that callback awaits nothing; offsets are asked in
  `fetch`.
* Revoking is bounded by the rebalance timeout → we wait a third of it for the step in progress. test: a rebalance
  waits for the step in progress, a step that outlasts the patience.
* `getmany` wakes before the assigned callback ends → its first statements pause and place every partition; what was
  fetched before is not of this assignment, and the library drops it.
* Pausing drops what was prefetched → nothing is paused but what was never read.
* `getmany` outlasts its timeout in a rebalance, and once cancelled counts as alive for ever → it is called without a
  timeout and never during a rebalance, so it never waits and cannot be cancelled; we wait ourselves. test: a fetch
  that is cancelled.
* The default resets positions silently, and "no offset" may be a coordinator that moves → `auto_offset_reset` is
  `none`, every partition is placed before the client looks for an offset, `seek` is the caller's word. Without a
  stored position the caller begins where its settings say: what is repeated has the same ids. test: every one with a
  new group.
* Static membership is half implemented → not used. A restarted worker gets its partitions back by its name. test:
  members that join.
* Each further assignor is another request to join (#1168), and the sticky one shares state (#1175, #1176) → there is
  one, ours, without state. test: what cannot be a member is told why, tests/stream/kafka/test_assignor.py.
* A member without partitions never comes back after `max_poll_interval` (#1187) → `fetch` always polls, with and
  without partitions, and says that we are alive during a rebalance. test: a member without a partition, a member that
  fetched nothing for too long.
* A commit outside the group fails, one without a generation is stored in nobody's name → the generation in which the
  assignment was told is compared before and after. test: a member whose loop stood still.
* A request to join waits for the slowest member and may outlast the request's timeout → it is sent again with the
  same member id (KIP-394), so that no ghost is waited for; a consumer that ends says that it leaves. test: a group
  that gives no partitions.

Known bugs
* Heartbeats are late when the loop is busy (#678, #700) → nothing here computes; the session is 45 s, a heartbeat
  leaves every 3 s, and `fetch` yields to the loop even when records are waiting. test: a member whose loop stood
  still.
* A consumer falls silent (#1037, #847) → each partition that did not move is asked for its end, and the consumer
  rebuilt when records wait; so is one that gets no partitions. test: a partition that falls silent, a broker that
  went away.
* A position out of range hangs the consumer (#718) → it is raised, compared with what the broker has, and refused.
  test: records deleted before they were read, a position behind the end.
* `stop` blocks when brokers are gone, or leaks a cancellation and leaves tasks and connections → it runs in a task of
  its own, bounded, and what it leaves is ended part by part. test: a broker that went away.
* A waiter leaks with each empty fetch (#628) → ours is cancelled in any case.
* A slow partition delays others of its broker → what was fetched is always taken, long polls last 0.1 s.
* A deserialiser or a corrupt batch raises for ever, and swallows what came before it in the same answer → no
  deserialisers; after any error the consumer is rebuilt and the caller says again from where. A corrupt batch is
  reported each time, until a replica that has it whole leads. test: a corrupt batch.
* A token is not renewed within a connection (KIP-368) → the broker closes it, the next one brings a new token; what
  was in flight is repeated. test (security): a token lets us in.
* A refused token passes for an accepted one, and why a connection failed is swallowed → before the first contact with
  a token, and after a failed first contact each address is asked once more, by a connection that listens. test
  (security): a wrong password, a token lets us in.
* A truncated log is not noticed (KIP-320) → a position behind the end is refused; a log that grew again is not
  noticed: `unclean.leader.election.enable` must stay `false`.
* It asserts for its own correctness → never run under `python -O`.
* A small batch may decompress into gigabytes, in the event loop → not prevented here: who may write to a topic is a
  matter of its ACLs. test: compressed batches are read.
* Metadata requests may create a missing topic → topics are looked up by listing all. test: looking for a missing
  topic.
* At DEBUG it logs whole requests, with passwords and tokens → that logger never goes below WARNING.
"""
