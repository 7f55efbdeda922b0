/* Classifies events in C: one model, a workspace for a hundred events. */
#include "diphoton.h"

#include <stdio.h>

enum { EVENTS = 100, FEATURES = 8 };

int main(void)
{
   diphoton_model* model = NULL;
   diphoton_workspace* workspace = NULL;
   const diphoton_dims dims = {EVENTS};
   static float input[EVENTS * FEATURES], signal[EVENTS];
   char message[256];
   double sum = 0;
   int i, status;

   status = diphoton_open("diphoton.dat", 0, &model, message, sizeof message);
   if (status != ONNX_BRIDGE_OK) {
      fprintf(stderr, "%s: %s\n", diphoton_message(status), message);
      return 1;
   }
   status = diphoton_workspace_new(model, &dims, NULL, &workspace);
   for (i = 0; i < EVENTS * FEATURES; i++) input[i] = (float)(i % 97) / 97;
   if (status == ONNX_BRIDGE_OK) status = diphoton_infer(model, workspace, &dims, input, signal);
   if (status != ONNX_BRIDGE_OK) fprintf(stderr, "%s\n", diphoton_message(status));
   for (i = 0; i < EVENTS; i++) sum += signal[i];
   if (status == ONNX_BRIDGE_OK) printf("%d events, mean signal %.6f\n", EVENTS, sum / EVENTS);
   diphoton_workspace_free(workspace);
   diphoton_close(model);
   return status;
}
