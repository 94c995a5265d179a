"""The requests of the differential test that describe and alter: settings, partitions, epochs'
ends, producers, groups."""

TOPIC, BROKER = 2, 4
SET, DELETE, APPEND, SUBTRACT = range(4)
KEYS = ["cleanup.policy", "compression.type", "max.message.bytes", "retention.ms", "no.such"]


def describe_configs_cases(ask, version):
    def of(kind, name, keys, **value):
        return {"resources": [{"resource_type": kind, "resource_name": name,
                               "configuration_keys": keys}], **value}

    for topic in ("plain", "small", "compact"):
        yield ask(f"{topic}", of(TOPIC, topic, KEYS))
        yield ask(f"{topic} with synonyms", of(TOPIC, topic, KEYS, include_synonyms=True))
    yield ask("no keys", of(TOPIC, "plain", []))
    for label, arguments in {"unknown topic": (TOPIC, "missing"),
                             "invalid topic name": (TOPIC, "a b!"),
                             "empty topic name": (TOPIC, ""),
                             "broker that is not there": (BROKER, "99"),
                             "broker that is no number": (BROKER, "x"),
                             "resource type 99": (99, "x")}.items():
        yield ask(label, of(*arguments, KEYS), label)
    twice = of(TOPIC, "plain", KEYS)
    twice["resources"] *= 2
    yield ask("twice", twice, "a resource twice in one describe_configs")
    if version >= 3:
        yield ask("documentation", of(TOPIC, "plain", ["no.such"], include_documentation=True))


def changes_of(name, configs, kind=TOPIC):
    return {"resource_type": kind, "resource_name": name, "configs": configs}


def alter_configs_cases(ask, _version):
    def put(label, name, pairs, bad="", kind=TOPIC):
        configs = [{"name": key, "value": value} for key, value in pairs]
        return ask(label, {"resources": [changes_of(name, configs, kind)],
                           "validate_only": True}, bad)

    yield put("retention", "scratch", [("retention.ms", "1000")])
    yield put("nothing", "scratch", [])
    yield put("unknown setting", "scratch", [("no.such", "1")], "a setting that nobody knows")
    yield put("no number", "scratch", [("retention.ms", "x")], "a setting that is no number")
    yield put("beyond its range", "scratch", [("max.message.bytes", "-1")],
              "a setting beyond its range")
    yield put("null", "scratch", [("retention.ms", None)], "a setting of null")
    yield put("unknown topic", "missing", [("retention.ms", "1")], "settings of an unknown topic")


def incremental_alter_configs_cases(ask, _version):
    def put(label, name, edits, bad="", kind=TOPIC):
        configs = [{"name": key, "config_operation": operation, "value": value}
                   for key, operation, value in edits]
        return ask(label, {"resources": [changes_of(name, configs, kind)],
                           "validate_only": True}, bad)

    yield put("set", "scratch", [("retention.ms", SET, "1000")])
    yield put("set to what it is", "small", [("max.message.bytes", SET, "300")])
    yield put("delete", "small", [("max.message.bytes", DELETE, None)])
    yield put("delete what is not set", "scratch", [("retention.ms", DELETE, None)])
    yield put("append", "scratch", [("cleanup.policy", APPEND, "compact")])
    yield put("subtract", "compact", [("cleanup.policy", SUBTRACT, "delete")])
    yield put("append to a number", "scratch", [("retention.ms", APPEND, "1")],
              "append to a setting that is no list")
    yield put("append what is not allowed", "scratch", [("cleanup.policy", APPEND, "x")],
              "append what is not allowed")
    yield put("operation 9", "scratch", [("retention.ms", 9, "1")], "config_operation 9")
    yield put("null", "scratch", [("retention.ms", SET, None)], "a setting of null")
    yield put("unknown setting", "scratch", [("no.such", SET, "1")], "a setting that nobody knows")
    yield put("the same twice", "scratch",
              [("retention.ms", SET, "1"), ("retention.ms", DELETE, None)],
              "a setting twice in one request")
    yield put("unknown topic", "missing", [("retention.ms", SET, "1")],
              "settings of an unknown topic")


def create_partitions_cases(ask, _version):
    def grow(label, name, count, bad="", assignments=None):
        topic = {"name": name, "count": count, "assignments": assignments}
        return ask(label, {"topics": [topic], "timeout_ms": 10_000, "validate_only": True}, bad)

    yield grow("more", "scratch", 6)
    yield grow("more, assigned", "scratch", 5, assignments=[{"broker_ids": [1]}])
    for count in (4, 3, 0, -1):
        yield grow(f"to {count}", "scratch", count, f"create_partitions count {count} of 4")
    yield grow("unknown topic", "missing", 6, "partitions of an unknown topic")
    yield grow("too few assignments", "scratch", 6, "too few assignments",
               [{"broker_ids": [1]}])
    yield grow("assigned to nobody", "scratch", 5, "an assignment to no broker",
               [{"broker_ids": []}])
    yield grow("assigned to a stranger", "scratch", 5, "an assignment to a broker not there",
               [{"broker_ids": [99]}])


def delete_records_cases(ask, _version):
    def before(label, name, index, offset, bad=""):
        topic = {"name": name, "partitions": [{"index": index, "offset": offset}]}
        return ask(label, {"topics": [topic], "timeout_ms": 10_000}, bad)

    yield before("of an empty log", "numbered", 15, 0)
    yield before("to the end", "numbered", 15, -1)
    yield before("beyond the end", "numbered", 15, 5, "delete_records beyond the end")
    yield before("offset -2", "numbered", 15, -2, "delete_records offset -2")
    yield before("unknown topic", "missing", 0, 0, "records of an unknown topic")
    yield before("partition 99", "numbered", 99, 0, "records of partition 99")


def offset_for_leader_epoch_cases(ask, _version):
    def end(label, name, index, epoch, current=-1, bad=""):
        partition = {"index": index, "current_leader_epoch": current, "leader_epoch": epoch}
        return ask(label, {"replica_id": -1, "topics": [{"name": name, "partitions": [partition]}]},
                   bad)

    for epoch in (0, -1, 5):
        yield end(f"epoch {epoch}", "plain", 0, epoch)
    yield end("of an empty log", "numbered", 14, 0)
    yield end("current epoch", "plain", 0, 0, 0)
    yield end("current epoch of the future", "plain", 0, 0, 9, "leader epoch of the future")
    yield end("unknown topic", "missing", 0, 0, -1, "unknown topic")
    yield end("partition 99", "plain", 99, 0, -1, "partition 99")


def describe_producers_cases(ask, _version):
    for label, (name, index) in {"nobody": ("numbered", 14), "unknown topic": ("missing", 0),
                                 "partition 99": ("numbered", 99)}.items():
        yield ask(label, {"topics": [{"name": name, "partition_indexes": [index]}]})


def describe_topic_partitions_cases(ask, _version):
    def pages(label, names, limit=2000, cursor=None, bad=""):
        return ask(label, {"topics": [{"name": name} for name in names],
                           "response_partition_limit": limit, "cursor": cursor}, bad)

    yield pages("one", ["plain"])
    yield pages("two", ["plain", "scratch"])
    yield pages("a page", ["plain", "scratch"], 2)
    yield pages("the next page", ["plain", "scratch"], 2,
                {"topic_name": "plain", "partition_index": 2})
    yield pages("unknown topic", ["missing"], bad="unknown topic")
    yield pages("no name", [""], bad="empty topic name")


def list_config_resources_cases(ask, version):
    if version >= 1:
        for kinds in ([TOPIC], [BROKER], [99]):
            yield ask(f"types {kinds}", {"resource_types": kinds},
                      "config resources of type 99" if kinds == [99] else "")


ADMIN_CASES = {
    "describe_configs": describe_configs_cases, "alter_configs": alter_configs_cases,
    "incremental_alter_configs": incremental_alter_configs_cases,
    "create_partitions": create_partitions_cases, "delete_records": delete_records_cases,
    "offset_for_leader_epoch": offset_for_leader_epoch_cases,
    "describe_producers": describe_producers_cases,
    "describe_topic_partitions": describe_topic_partitions_cases,
    "list_config_resources": list_config_resources_cases,
}
