#include "stream_objects.hpp"

#include "burst_conversion.hpp"
#include "conversion.hpp"
#include "digital_functions.hpp"

#include <cmath>

namespace otabench::addon {
namespace {

// Stops a stream on the service thread: joining its thread may take as long as a vendor's call.
template <typename Link> Napi::Value stop_stream(Napi::Env env, const std::shared_ptr<Link>& link) {
  Environment& environment = Environment::of(env);
  return environment.promise(
      env, [&environment](std::function<void()> job) { return environment.service().post(std::move(job)); },
      [link] {
        if (const auto stream = link->stream())
          stream->stop();
        return true;
      },
      [&environment, link](Napi::Env js, bool) -> Napi::Value {
        environment.remove_listener(link->listener());
        link->detach();
        return js.Undefined();
      });
}

template <typename Link> std::shared_ptr<Link> link_argument(const Napi::CallbackInfo& info) {
  if (!info[0].IsExternal())
    throw argument_error(info.Env(), "a stream is started by its device");
  return *info[0].As<Napi::External<std::shared_ptr<Link>>>().Data();
}

template <typename Link> auto running_stream(Napi::Env env, const Link& link) {
  auto stream = link.stream();
  if (!stream)
    throw to_js_error(env, radio::RadioError(radio::ErrorCode::closed, "the stream has ended"));
  return stream;
}

} // namespace

template <> void ReceiverLink::deliver(Environment& environment, Napi::Env env) {
  if (const auto stream = this->stream())
    environment.call_listener(listener_, {to_js(env, stream->take())});
}

template <> void TransmitterLink::deliver(Environment& environment, Napi::Env env) {
  if (const auto stream = this->stream()) {
    const std::vector<radio::Event> events = stream->take_events();
    if (!events.empty())
      environment.call_listener(listener_, {to_js(env, events)});
  }
}

void ReceiverObject::define(Napi::Env env, Environment& environment) {
  const Napi::Function constructor = DefineClass(
      env, "Receiver",
      {InstanceMethod<&ReceiverObject::mark>("mark"),
       InstanceMethod<&ReceiverObject::set_subbands>("setSubbands"),
       InstanceMethod<&ReceiverObject::epoch>("epoch"), InstanceMethod<&ReceiverObject::watch>("watch"),
       InstanceMethod<&ReceiverObject::take_spectrum>("takeSpectrum"),
       InstanceMethod<&ReceiverObject::stop>("stop")});
  environment.receiver_class = Napi::Persistent(constructor);
}

Napi::Object ReceiverObject::make(Napi::Env env, const std::shared_ptr<ReceiverLink>& link) {
  auto holder = link;
  return Environment::of(env).receiver_class.New(
      {Napi::External<std::shared_ptr<ReceiverLink>>::New(env, &holder)});
}

ReceiverObject::ReceiverObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<ReceiverObject>(info), link_(link_argument<ReceiverLink>(info)) {
  // What was received before JavaScript had this object.
  link_->notify();
}

Napi::Value ReceiverObject::mark(const Napi::CallbackInfo& info) {
  const double after_epoch = number_argument(info, 0, "afterEpoch");
  const double time_ns = number_argument(info, 1, "timeNs");
  running_stream(info.Env(), *link_)->mark(static_cast<std::uint64_t>(after_epoch), std::llround(time_ns));
  return info.Env().Undefined();
}

Napi::Value ReceiverObject::set_subbands(const Napi::CallbackInfo& info) {
  try {
    running_stream(info.Env(), *link_)->set_subbands(to_subband_users(info[0]));
  } catch (const phy::PhyError& error) {
    throw argument_error(info.Env(), error.what());
  }
  return info.Env().Undefined();
}

Napi::Value ReceiverObject::epoch(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(running_stream(info.Env(), *link_)->epoch()));
}

Napi::Value ReceiverObject::watch(const Napi::CallbackInfo& info) {
  if (!info[0].IsBoolean())
    throw argument_error(info.Env(), "on: allowed are true and false");
  running_stream(info.Env(), *link_)->watch(info[0].As<Napi::Boolean>());
  return info.Env().Undefined();
}

Napi::Value ReceiverObject::take_spectrum(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::optional<phy::Spectrum> spectrum = running_stream(env, *link_)->take_spectrum();
  if (!spectrum)
    return env.Null();
  const Napi::Object object = Napi::Object::New(env);
  object.Set("meanDbfsPerHz",
             to_float_array(env, spectrum->meanDbfsPerHz.data(), spectrum->meanDbfsPerHz.size()));
  object.Set("peakDbfsPerHz",
             to_float_array(env, spectrum->peakDbfsPerHz.data(), spectrum->peakDbfsPerHz.size()));
  object.Set("segments", static_cast<double>(spectrum->segments));
  object.Set("segmentsLeftOut", static_cast<double>(spectrum->segmentsLeftOut));
  return object;
}

Napi::Value ReceiverObject::stop(const Napi::CallbackInfo& info) {
  return stop_stream(info.Env(), link_);
}

void TransmitterObject::define(Napi::Env env, Environment& environment) {
  const Napi::Function constructor = DefineClass(env, "Transmitter",
                                                 {InstanceMethod<&TransmitterObject::send>("send"),
                                                  InstanceMethod<&TransmitterObject::flush>("flush"),
                                                  InstanceMethod<&TransmitterObject::stop>("stop")});
  environment.transmitter_class = Napi::Persistent(constructor);
}

Napi::Object TransmitterObject::make(Napi::Env env, const std::shared_ptr<TransmitterLink>& link) {
  auto holder = link;
  return Environment::of(env).transmitter_class.New(
      {Napi::External<std::shared_ptr<TransmitterLink>>::New(env, &holder)});
}

TransmitterObject::TransmitterObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<TransmitterObject>(info), link_(link_argument<TransmitterLink>(info)) {}

Napi::Value TransmitterObject::send(const Napi::CallbackInfo& info) {
  const Napi::Object burst = required_object(info[0], "burst");
  radio::TransmitRequest request;
  request.header.tokens = static_cast<int>(required_integer(burst, "tokens", 1, phy::kMaxTokens));
  request.header.dimension = static_cast<int>(required_integer(burst, "dimension", 1, phy::kMaxDimension));
  request.header.user = static_cast<int>(required_integer(burst, "user", 0, phy::kMaxUser));
  request.header.sequence = static_cast<int>(required_integer(burst, "sequence", 0, phy::kMaxSequence));
  const Napi::Float32Array values = required_floats(burst, "data");
  request.tokens.assign(values.Data(), values.Data() + values.ElementLength());
  if (!burst.Get("transport").IsUndefined()) {
    request.header.transport = to_transport(burst.Get("transport"));
    request.drive = to_drive(burst.Get("transport"));
  }
  set_mapping(request.header, burst.Get("digital"));
  if (!burst.Get("subband").IsUndefined())
    request.subband = to_subband_user(burst.Get("subband"));
  const double start_ns = optional_number(burst, "startNs", std::nan(""));
  if (!std::isnan(start_ns))
    request.start_ns = std::llround(start_ns);

  Environment& environment = Environment::of(info.Env());
  const auto stream = running_stream(info.Env(), *link_);
  const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(info.Env());
  environment.dispatcher()->begin_call(info.Env());
  request.on_handed = [dispatcher = environment.dispatcher(),
                       deferred](std::variant<radio::SentBurst, radio::RadioError>&& outcome) {
    if (const auto* error = std::get_if<radio::RadioError>(&outcome)) {
      Environment::reject_later(*dispatcher, deferred, *error);
      return;
    }
    dispatcher->post(
        [deferred, sent = std::get<radio::SentBurst>(outcome)](Environment& self, Napi::Env env) {
          self.settle(env, deferred, [&] { return to_js(env, sent); });
        });
  };
  try {
    stream->send(std::move(request));
  } catch (const radio::RadioError& error) {
    Environment::reject_later(*environment.dispatcher(), deferred, error);
  }
  return deferred.Promise();
}

Napi::Value TransmitterObject::flush(const Napi::CallbackInfo& info) {
  const double timeout_ms = number_argument(info, 0, "timeoutMs");
  Environment& environment = Environment::of(info.Env());
  const auto stream = running_stream(info.Env(), *link_);
  const Napi::Promise::Deferred deferred = Napi::Promise::Deferred::New(info.Env());
  environment.dispatcher()->begin_call(info.Env());
  try {
    stream->flush(std::chrono::milliseconds(std::llround(timeout_ms)),
                  [dispatcher = environment.dispatcher(), deferred](std::size_t unacknowledged) {
                    dispatcher->post([deferred, unacknowledged](Environment& self, Napi::Env env) {
                      self.settle(env, deferred, [&] {
                        return Napi::Number::New(env, static_cast<double>(unacknowledged));
                      });
                    });
                  });
  } catch (const radio::RadioError& error) {
    Environment::reject_later(*environment.dispatcher(), deferred, error);
  }
  return deferred.Promise();
}

Napi::Value TransmitterObject::stop(const Napi::CallbackInfo& info) {
  return stop_stream(info.Env(), link_);
}

} // namespace otabench::addon
