#include "sim/run/scenario_file.h"

#include <gtest/gtest.h>

#include "sim/cluster/run.h"
#include "sim/run/seam_file.h"
#include "sim/run/tape_file.h"
#include "sim/workload/workloads.h"

namespace flux::sim {
namespace {

Result<Scenario> load(std::string_view text, std::uint64_t seed = 1,
                      const std::vector<std::string>& settings = {}) {
  return load_scenario("test.json", "test", text, seed, settings);
}

std::string error_of(std::string_view text, const std::vector<std::string>& settings = {}) {
  const Result<Scenario> scenario = load(text, 1, settings);
  return scenario ? "no error" : scenario.error().detail();
}

constexpr std::string_view kSmall = R"({"node": "probe", "workload": [{"kind": "probe"}]})";

TEST(ScenarioFile, ReadsMembersAndLeavesDefaults) {
  const auto scenario = load(R"({
    // a comment
    "node": "probe",
    "workload": [{"kind": "probe", "clients": 4, "acks": "1"}],
    "faults": [{"fault": "rot", "target": "broker1:*.log", "mark": "probe.synced", "hit": 3},
               {"fault": "rot", "at_ms": 100}],
    "phases": {"safety_ms": 1500}
  })");
  ASSERT_TRUE(scenario.has_value()) << scenario.error().to_string();
  EXPECT_EQ(scenario->workloads[0].clients, 4U);
  EXPECT_EQ(scenario->workloads[0].acks, (Weights{{"1", 1}}));
  EXPECT_EQ(scenario->phases.safety, milliseconds(1500));
  EXPECT_EQ(scenario->phases.liveness_bound, Phases().liveness_bound);
  EXPECT_EQ(scenario->faults[1].name(), "rot#2");
  EXPECT_EQ(scenario->faults[0].trigger.kind, FaultTrigger::Kind::mark);
}

TEST(ScenarioFile, AnErrorNamesFilePathAndWhatIsAllowed) {
  EXPECT_EQ(error_of(R"({"node": "probe", "workload": [{"kind": "probe", "clients": 0}]})"),
            "test.json: workload.0.clients: 0: allowed are integers from 1 to 1000");
  EXPECT_NE(error_of(R"({"node": "probe", "wrokload": []})").find("no member \"wrokload\""),
            std::string::npos);
  EXPECT_NE(error_of(R"({"node": "prob", "workload": []})").find("allowed are broker probe"),
            std::string::npos);
  EXPECT_NE(error_of("{\n\"node\": }").find("line 2"), std::string::npos);
  EXPECT_NE(error_of(R"({"workload": [{"kind": "probe"}], "faults": [{"fault": "flood"}]})")
                .find("faults.0.fault: no fault \"flood\""),
            std::string::npos);
  EXPECT_NE(error_of(R"({"workload": [{"kind": "probe"}],
                         "faults": [{"fault": "kill", "mark": "a", "every_ms": 3}]})")
                .find("one trigger"),
            std::string::npos);
}

TEST(ScenarioFile, ANameThatNobodyActsOnIsRefused) {
  const auto refusal = [](const std::string& member) {
    return error_of(R"({"workload": [{"kind": "produce_consume", )" + member + "}]}");
  };
  EXPECT_EQ(refusal(R"("operations": {"all": 8, "1": 1})"),
            "test.json: workload.0.operations: \"1\": allowed are delete_records describe fetch "
            "list_offsets look_up omit "
            "produce seek");
  EXPECT_EQ(refusal(R"("compression": "zzz")"),
            "test.json: workload.0.compression: \"zzz\": allowed are none gzip snappy lz4 zstd");
  EXPECT_EQ(refusal(R"("library": {"qq": 1})"),
            "test.json: workload.0.library: \"qq\": allowed are hostile java librdkafka oldest");
  EXPECT_EQ(refusal(R"("acks": "7")"), "test.json: workload.0.acks: \"7\": allowed are 0 1 all");
  EXPECT_EQ(refusal(R"("operations": {"fetch": 2, "produce": 1}, "library": "oldest")"),
            "no error");
  EXPECT_NE(error_of(R"({"workload": [{"kind": "hostile", "operations": "fetch"}]})")
                .find("no name is allowed here"),
            std::string::npos);
  EXPECT_NE(error_of(R"({"workload": [{"kind": "probe"}], "disk": {"survival": "all"}})")
                .find("allowed are nothing everything"),
            std::string::npos);
  EXPECT_EQ(error_of(R"({"workload": [{"kind": "probe"}], "swarm": {"except": ["flood"]}})"),
            "test.json: swarm.except: no fault \"flood\"");
}

TEST(ScenarioFile, AnItemHasOneTrigger) {
  const auto refusal = [](const std::string& members) {
    return error_of(R"({"workload": [{"kind": "probe"}], "faults": [{"fault": "kill")" + members +
                    "}]}");
  };
  EXPECT_NE(refusal("").find("this one has none"), std::string::npos);
  EXPECT_EQ(refusal(R"(, "at_ms": 0)"), "no error");
  EXPECT_EQ(refusal(R"(, "every_ms": 5)"), "no error");
  EXPECT_NE(refusal(R"(, "at_ms": 5, "hit": 2)").find("belongs to a mark"), std::string::npos);
  EXPECT_NE(refusal(R"(, "at_ms": 5, "chance": "1/2")").find("belongs to every_ms"),
            std::string::npos);
}

TEST(ScenarioFile, AWorkloadUsesTopicsThatThereAre) {
  const auto with = [](const std::string& topics) {
    return error_of(R"({"workload": [{"kind": "produce_consume", "topics": ["p"]}], "topics": [)" +
                    topics + "]}");
  };
  EXPECT_EQ(with(R"({"name": "o"})"),
            "test.json: workload.0.topics: no topic \"p\": there are [o]");
  EXPECT_EQ(with(R"({"name": "p"})"), "no error");
  EXPECT_EQ(with(R"({"name": "p"}, {"name": "p"})"),
            "test.json: topics.1.name: p is there already");
}

// What only the node can judge is refused before the run, and is no finding against the node.
TEST(ScenarioFile, ATopicOrKnobThatTheNodeWouldRefuseIsRefused) {
  const auto run_of = [](std::string_view text, const std::vector<std::string>& settings) {
    auto scenario = load(text, 1, settings);
    if (!scenario) return scenario.error().to_string();
    RunOptions options;
    options.until = Time();
    const auto result = run(*scenario, std::move(options));
    return result ? "no error" : result.error().to_string();
  };
  constexpr std::string_view kBroker = R"({"topics": [{"name": "o", "partitions": 1}],
    "workload": [{"kind": "produce_consume"}]})";
  EXPECT_EQ(run_of(kBroker, {"topics.0.config.retention.ms=5"}), "no error");
  EXPECT_NE(run_of(kBroker, {"topics.0.config.nope=1"}).find("topics.0"), std::string::npos);
  EXPECT_NE(run_of(kBroker, {"topics.0.config.flush.messages=0"}).find("integer from 1"),
            std::string::npos);
  EXPECT_NE(run_of(kBroker, {"topics.0.name=o/o"}).find("Topic name is invalid"),
            std::string::npos);
  EXPECT_EQ(run_of(kSmall, {"broker_config.probe.bug=no_sync"}), "no error");
  EXPECT_NE(run_of(kSmall, {"broker_config.nope=1"}).find("probe.bug"), std::string::npos);
  EXPECT_NE(run_of(kSmall, {"broker_config.probe.bug=flood"}).find("allowed are no_crc"),
            std::string::npos);
}

// A name that the workload does not know fails a CHECK there.
TEST(Workloads, ActOnEveryOperationThatTheyList) {
  for (const WorkloadKind& kind : workload_kinds()) {
    for (const std::string_view name : kind.operations) {
      auto scenario = load(R"({"topics": [{"name": "o", "partitions": 1}],
        "workload": [{"kind": "produce_consume"}], "phases": {"safety_ms": 500}})");
      ASSERT_TRUE(scenario) << scenario.error().to_string();
      scenario->workloads[0].kind = kind.name;
      scenario->workloads[0].operations = {{std::string(name), 1}};
      const auto result = run(*scenario, {});
      ASSERT_TRUE(result) << result.error().to_string();
      EXPECT_EQ(result->verdict, Verdict::held) << name;
    }
  }
}

TEST(SeamFile, TellsWhatIsNoSeam) {
  const SeamEvent event{.index = 0, .kind = SeamKind::read, .a = 1};
  SeamEvent other = event;
  other.a = 2;
  const auto file = [](const SeamEvent& one) {
    const SeamRecord record = pack(one);
    return std::string(kSeamMagic) + std::string(record.begin(), record.end());
  };
  EXPECT_TRUE(check_seam(file(event)));
  EXPECT_TRUE(check_seam(kSeamMagic));
  EXPECT_FALSE(check_seam("x"));
  EXPECT_FALSE(check_seam(file(event) + "x"));
  SeamEvent odd = event;
  odd.kind = static_cast<SeamKind>(99);
  EXPECT_FALSE(check_seam(file(odd)));
  EXPECT_FALSE(first_difference(file(event), file(event), {}));
  const auto difference = first_difference(file(event), file(other), {});
  ASSERT_TRUE(difference);
  EXPECT_NE(difference->find("field connection: 1 and 2"), std::string::npos);
}

TEST(ScenarioFile, DrawsByThePathOfTheMember) {
  constexpr std::string_view kDrawn = R"({"node": "probe",
    "workload": [{"kind": "probe", "clients": {"draw": [1, 1000]}, "keys": {"draw": [0, 1000000]}}]
  })";
  constexpr std::string_view kOneDraw = R"({"node": "probe",
    "workload": [{"kind": "probe", "keys": {"draw": [0, 1000000]}}]})";
  const auto one = load(kDrawn, 5);
  const auto same = load(kDrawn, 5);
  const auto other = load(kDrawn, 6);
  const auto fewer = load(kOneDraw, 5);
  ASSERT_TRUE(one && same && other && fewer);
  EXPECT_EQ(one->workloads[0].keys, same->workloads[0].keys);
  EXPECT_NE(one->workloads[0].keys, other->workloads[0].keys);
  // Taking one draw out leaves the other as it was.
  EXPECT_EQ(one->workloads[0].keys, fewer->workloads[0].keys);
  EXPECT_EQ(one->draws.size(), 2U);
}

TEST(ScenarioFile, SettingsChangeMembers) {
  const auto scenario = load(
      kSmall, 1,
      {"workload.0.clients=7", "phases.safety_ms=900", "broker_config.log.segment.bytes=4096"});
  ASSERT_TRUE(scenario.has_value()) << scenario.error().to_string();
  EXPECT_EQ(scenario->workloads[0].clients, 7U);
  EXPECT_EQ(scenario->phases.safety, milliseconds(900));
  EXPECT_EQ(scenario->broker_config.at("log.segment.bytes"), "4096");
  EXPECT_NE(error_of(kSmall, {"workload.3.clients=7"}).find("the list has 1"), std::string::npos);
  EXPECT_NE(error_of(kSmall, {"phases"}).find("PATH=VALUE"), std::string::npos);
}

TEST(Tape, KeepsEverythingAndTakesEdits) {
  Tape tape;
  tape.name = "test";
  tape.scenario = std::string(kSmall);
  tape.seed = 0xFFFFFFFFFFFFFFFFULL;
  tape.settings = {"phases.safety_ms=900"};
  FaultItem item;
  item.fault = "kill";
  item.ordinal = 1001;
  item.target = "broker1";
  item.trigger.at = milliseconds(70);
  item.duration = milliseconds(10);
  tape.plan = {item};
  tape.decisions = {{0x1234, "net.delay", 100, 42}, {0x99, "disk.latency", 7, 3}};
  const std::string text = write_tape(tape);
  Result<Tape> back = read_tape("tape", text);
  ASSERT_TRUE(back.has_value()) << back.error().to_string();
  EXPECT_EQ(write_tape(*back), text);
  EXPECT_EQ(back->decisions, tape.decisions);
  EXPECT_EQ(back->seed, tape.seed);
  EXPECT_TRUE(edit_tape(*back, "0000000000001234=99"));
  EXPECT_EQ(back->decisions[0].value, 99U);
  EXPECT_FALSE(edit_tape(*back, "0000000000001234=100"));  // not below its bound
  EXPECT_FALSE(edit_tape(*back, "0000000000007777=1"));
  EXPECT_FALSE(edit_tape(*back, "drop=kill#1"));
  EXPECT_TRUE(edit_tape(*back, "drop=kill#1001"));
  EXPECT_TRUE(back->plan.empty());
  EXPECT_FALSE(read_tape("tape", "{}"));
}

}  // namespace
}  // namespace flux::sim
