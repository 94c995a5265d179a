// What a broker's error number means to a client of this library.
#pragma once

#include <string_view>

#include "core/base/error.h"
#include "net/client/config.h"
#include "net/kafka/errors.h"

namespace flux::client {

// "about" names what the broker refused; the detail of the Error is "<about>: <Kafka's name>".
Error to_error(kafka::WireError wire, std::string_view about);

// Whether a broker that answers a Produce so has certainly not appended the batch. Most errors come
// before the append; those that may come after it, while replicas are waited for, leave it open.
bool surely_not_appended(kafka::WireError wire, Acks acks);

}  // namespace flux::client
