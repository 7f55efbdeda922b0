// recurrent_activation.hxx: the activations that ONNX lets LSTM, GRU and RNN choose from, chosen at run time.
//
// NaN, infinities and accuracy as in activation.hxx. The packer fills in missing alpha and beta, those that
// onnxruntime takes: LeakyRelu 0.01, HardSigmoid 0.2 0.5, Elu 1; Affine, ScaledTanh and ThresholdedRelu 0.
// Softplus is finite for every finite x; that of onnxruntime's LSTM, GRU and RNN is inf from x = 89 on.
#pragma once
#include "activation.hxx"

enum class RecurrentFunction { relu, tanh, sigmoid, affine, leaky_relu, thresholded_relu, scaled_tanh, hard_sigmoid, elu, softsign, softplus };

struct RecurrentActivation {
   RecurrentFunction function;
   float alpha, beta;
};

ONNX_BRIDGE_KERNEL vec recurrent_activate(const RecurrentActivation& activation, vec x)
{
   const float alpha = activation.alpha, beta = activation.beta;
   switch (activation.function) {
   case RecurrentFunction::relu: return relu(x);
   case RecurrentFunction::tanh: return tanh(x);
   case RecurrentFunction::sigmoid: return sigmoid(x);
   case RecurrentFunction::affine: return fma(splat(alpha), x, splat(beta));
   case RecurrentFunction::leaky_relu: return leaky_relu(x, alpha);
   case RecurrentFunction::thresholded_relu: return thresholded_relu(x, alpha);
   case RecurrentFunction::scaled_tanh: return mul(splat(alpha), tanh(mul(splat(beta), x)));
   case RecurrentFunction::hard_sigmoid: return hard_sigmoid(x, alpha, beta);
   case RecurrentFunction::elu: return elu(x, alpha);
   case RecurrentFunction::softsign: return softsign(x);
   case RecurrentFunction::softplus: return softplus(x);
   }
   return x;
}

/// x within -limit .. limit; NaN stays.
ONNX_BRIDGE_INLINE vec recurrent_clip(vec x, float limit)
{
   x = x > limit ? splat(limit) : x;
   return x < -limit ? splat(-limit) : x;
}
