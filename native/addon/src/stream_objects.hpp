// The JavaScript objects of a receiving and a transmitting stream.
#pragma once

#include "environment.hpp"

#include "otabench/radio/receiver.hpp"
#include "otabench/radio/transmitter.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <napi.h>

namespace otabench::addon {

// Between a native stream and the JavaScript listener that it feeds. However often notify() is called, at
// most one task waits in the dispatcher; it takes what has gathered.
template <typename NativeStream>
class StreamLink : public std::enable_shared_from_this<StreamLink<NativeStream>> {
public:
  StreamLink(std::shared_ptr<Dispatcher> dispatcher, std::uint64_t listener)
      : dispatcher_(std::move(dispatcher)), listener_(listener) {}

  void attach(std::shared_ptr<NativeStream> stream) {
    std::lock_guard<std::mutex> lock(mutex_);
    stream_ = std::move(stream);
  }

  // Empty once the stream has ended.
  std::shared_ptr<NativeStream> stream() const {
    std::lock_guard<std::mutex> lock(mutex_);
    return stream_;
  }

  // A running stream holds its link and the link its stream, so that no garbage collection ends it; this lets
  // both go. JavaScript thread, after the stream has stopped.
  void detach() {
    std::shared_ptr<NativeStream> ended;
    std::lock_guard<std::mutex> lock(mutex_);
    ended.swap(stream_);
  }

  // Any thread.
  void notify() {
    if (posted_.exchange(true))
      return;
    dispatcher_->post([self = this->shared_from_this()](Environment& environment, Napi::Env env) {
      self->posted_ = false;
      self->deliver(environment, env);
    });
  }

  std::uint64_t listener() const { return listener_; }

private:
  // JavaScript thread.
  void deliver(Environment& environment, Napi::Env env);

  const std::shared_ptr<Dispatcher> dispatcher_;
  const std::uint64_t listener_;
  mutable std::mutex mutex_;
  std::shared_ptr<NativeStream> stream_;
  std::atomic<bool> posted_{false};
};

using ReceiverLink = StreamLink<radio::Receiver>;
using TransmitterLink = StreamLink<radio::Transmitter>;

// Methods: mark(afterEpoch, timeNs), setSubbands(users), epoch(), watch(on), takeSpectrum() ->
// {meanDbfsPerHz, peakDbfsPerHz, segments, segmentsLeftOut} or null, stop() -> Promise. Its listener gets
// batches (burst_conversion.hpp).
class ReceiverObject : public Napi::ObjectWrap<ReceiverObject> {
public:
  static void define(Napi::Env env, Environment& environment);
  static Napi::Object make(Napi::Env env, const std::shared_ptr<ReceiverLink>& link);
  explicit ReceiverObject(const Napi::CallbackInfo& info);

private:
  Napi::Value mark(const Napi::CallbackInfo& info);
  Napi::Value set_subbands(const Napi::CallbackInfo& info);
  Napi::Value epoch(const Napi::CallbackInfo& info);
  Napi::Value watch(const Napi::CallbackInfo& info);
  Napi::Value take_spectrum(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);

  std::shared_ptr<ReceiverLink> link_;
};

// Methods: send({data, tokens, dimension, user, sequence, transport, subband, startNs}) -> Promise of what
// was handed to the radio, flush(timeoutMs) -> Promise of the number of bursts that the radio has not
// acknowledged, stop() -> Promise. Its listener gets arrays of events.
class TransmitterObject : public Napi::ObjectWrap<TransmitterObject> {
public:
  static void define(Napi::Env env, Environment& environment);
  static Napi::Object make(Napi::Env env, const std::shared_ptr<TransmitterLink>& link);
  explicit TransmitterObject(const Napi::CallbackInfo& info);

private:
  Napi::Value send(const Napi::CallbackInfo& info);
  Napi::Value flush(const Napi::CallbackInfo& info);
  Napi::Value stop(const Napi::CallbackInfo& info);

  std::shared_ptr<TransmitterLink> link_;
};

} // namespace otabench::addon
