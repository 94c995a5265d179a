#include "net/node/node.h"

#include <fmt/format.h>

#include "core/base/mark.h"
#include "net/node/setting_facts.h"

namespace flux::node {

namespace {

constexpr std::string_view kMetadataVersion = "metadata.version";

std::vector<controller::FeatureRange> features() {
  return {{std::string(kMetadataVersion), kMetadataVersionMin, kMetadataVersionMax}};
}

bool means_every_address(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

env::Env with_disk(const env::Env& env, env::Disk& disk) {
  return {.clock = env.clock,
          .scheduler = env.scheduler,
          .network = env.network,
          .disk = disk,
          .random = env.random,
          .trace = env.trace};
}

}  // namespace

Node::Node(const env::Env& env, Config config)
    : disk_(env.disk, env.clock),
      config_(std::move(config)),
      reserve_(with_disk(env, disk_), config_.data_directory),
      env_(with_disk(env, reserve_)) {}

void Node::build() {
  controller::ControllerConfig controller;
  controller.log.data_directory = config_.data_directory;
  controller.log.node = config_.node;
  controller.log.directory = directory_->properties().directory;
  controller.log.records_between_snapshots = config_.metadata_snapshot_records;
  controller.log.log = config_.metadata_log;
  controller.log.log.block_bytes = config_.log.block_bytes;
  controller.log.log.mark_idle = config_.log.mark_idle;
  controller.create_topic = config_.create_topic;
  controller.topic_defaults = config_.topic_defaults;
  controller.feature_level = {std::string(kMetadataVersion), kMetadataVersionMax};
  controller.feature_level_max = kMetadataVersionMax;
  controller_ = std::make_unique<controller::Controller>(env_, codec_, std::move(controller));

  broker_ = std::make_unique<broker::Broker>(
      env_,
      broker::BrokerConfig{.node = config_.node,
                           .data_directory = config_.data_directory,
                           .topic_defaults = config_.topic_defaults,
                           .log = config_.log,
                           .fetch_bytes_max = config_.fetch_bytes_max,
                           .housekeeping = config_.housekeeping,
                           .disk_patience = config_.disk_patience,
                           .reserve = &reserve_},
      *controller_);
  server_ = std::make_unique<server::Server>(
      env_, *broker_, config_.server,
      server::NodeFacts{.node = config_.node,
                        .cluster_id = directory_->properties().cluster_id,
                        .features = features(),
                        .settings = node_settings(config_.given)});
}

std::vector<controller::BrokerEndpoint> Node::endpoints() const {
  std::vector<controller::BrokerEndpoint> out;
  for (const server::ListenerConfig& listening : server_->listeners()) {
    controller::BrokerEndpoint endpoint{
        .listener = listening.name, .host = listening.at.host, .port = listening.at.port};
    for (const server::ListenerConfig& advertised : config_.advertised) {
      if (advertised.name != listening.name) continue;
      endpoint.host = advertised.at.host;
      if (advertised.at.port != 0) endpoint.port = advertised.at.port;
    }
    if (means_every_address(endpoint.host)) endpoint.host = config_.host_name;
    out.push_back(std::move(endpoint));
  }
  return out;
}

controller::RegisterBrokerRecord Node::registration() const {
  return {.broker = config_.node,
          .incarnation = controller::draw_uuid(env_.random, key("broker.incarnation")),
          .endpoints = endpoints(),
          .features = features(),
          .rack = config_.rack,
          .fenced = false,
          .directories = {directory_->properties().directory}};
}

std::optional<env::Endpoint> Node::http() const {
  return monitor_ == nullptr ? std::nullopt : std::optional(monitor_->local());
}

Result<void> Node::start_monitor(env::Task& task) {
  if (!config_.http_listener) return {};
  auto monitor = std::make_unique<Monitor>(env_, disk_,
                                           MonitorConfig{.at = *config_.http_listener,
                                                         .version = config_.version,
                                                         .disk_patience = config_.disk_patience});
  TRY(monitor->start(task));
  monitor_ = std::move(monitor);
  return {};
}

Result<void> Node::start_parts(env::Task& task) {
  TRY(start_monitor(task));
  directory_ = TRY(controller::DataDirectory::open(task, env_, config_.data_directory, config_.node,
                                                   config_.cluster_id));
  if (directory_->formatted_now()) REACHED("node.formatted");
  reserve_.start(task);
  build();
  if (monitor_ != nullptr) monitor_->watch(*broker_, *server_);
  TRY(server_->listen(task));
  TRY(controller_->start(
      task, [this](const controller::Image& image, std::span<const controller::Record> records) {
        broker_->on_commit(image, records);
      }));
  controller_started_ = true;
  TRY(broker_->start(task, registration()));
  server_->serve();
  if (monitor_ != nullptr) monitor_->set_stage(Monitor::Stage::ready);
  return {};
}

Result<void> Node::start(env::Task& task) {
  for (const std::string& notice : config_.notices) {
    TRACE(env_.trace, info, "node.notice", {"notice", notice});
  }
  auto started = start_parts(task);
  if (!started) {
    auto stopped = stop(task);
    if (!stopped) REACHED("node.stop_after_failed_start");
    return started;
  }
  TRACE(env_.trace, info, "node.ready", {"node", config_.node}, {"cluster", cluster_id()},
        {"topics", controller_->image()->topics.size()});
  return {};
}

Result<void> Node::stop(env::Task& task) {
  const env::Shield shield(task);
  if (controller_started_) TRACE(env_.trace, info, "node.stop", {"node", config_.node});
  Result<void> out;
  const auto keep_first = [&out](Result<void> step) {
    if (!step && out) out = std::move(step);
  };
  if (monitor_ != nullptr) monitor_->set_stage(Monitor::Stage::stopping);
  if (server_ != nullptr) keep_first(server_->stop(task));
  if (broker_ != nullptr) keep_first(broker_->stop(task));
  if (controller_started_) keep_first(controller_->stop(task));
  controller_started_ = false;
  keep_first(reserve_.stop(task));
  // Last, since until then it tells what the others do.
  if (monitor_ != nullptr) keep_first(monitor_->stop(task));
  monitor_.reset();
  server_.reset();
  broker_.reset();
  controller_.reset();
  directory_.reset();
  return out;
}

Result<void> Node::run(env::Task& task) {
  TRY(start(task));
  auto waited = wait(task);
  auto stopped = stop(task);
  if (!waited && waited.error() != ErrorCode::cancelled) return waited;
  return stopped;
}

}  // namespace flux::node
