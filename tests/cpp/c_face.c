/* The C faces of the models of test_c_face.py, in plain C: types, sizes that data decides, strings, and what each status is for. */
#include "still.h"
#include "texts.h"
#include "types.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition) \
   if (!(condition)) return printf("line %d: %s\n", __LINE__, #condition), 1

static int numbers(void)
{
   types_model* model = NULL;
   types_workspace* workspace = NULL;
   types_dims dims = {4};
   types_sizes found;
   char message[64];
   const bool flags[4] = {true, false, true, true};
   const uint16_t half[4] = {0x3c00, 0, 0xc000, 0x3800}; /* 1, 0, -2, 0.5 */
   const uint8_t bytes[3] = {0, 1, 255};
   const double wide[8] = {1, 2, 3, 4, 5, 6, 7, 8};
   int64_t places[4] = {9, 9, 9, 9};
   uint16_t twice[4];
   bool others[4];
   uint8_t inverse[3];
   double product[4];
   size_t count;

   EXPECT(types_open("nowhere.dat", 0, &model, message, sizeof message) == ONNX_BRIDGE_WEIGHTS);
   EXPECT(model == NULL && strstr(message, "nowhere.dat") && strlen(message) < sizeof message);
   EXPECT(types_open("nowhere.dat", 0, &model, message, 8) == ONNX_BRIDGE_WEIGHTS && strlen(message) == 7);
   EXPECT(types_open("nowhere.dat", 0, NULL, NULL, 0) == ONNX_BRIDGE_ARGUMENT);
   EXPECT(types_open("types.dat", 3, &model, message, sizeof message) == ONNX_BRIDGE_WEIGHTS && strstr(message, "body"));
   EXPECT(types_open("types.dat", 256, &model, NULL, 0) == ONNX_BRIDGE_OK);
   types_close(model);
   EXPECT(types_open("types.dat", 0, &model, message, sizeof message) == ONNX_BRIDGE_OK && !*message);
   EXPECT(types_workspace_new(model, &dims, message + ((size_t)message % 64 == 0), &workspace) == ONNX_BRIDGE_ARGUMENT && !workspace);
   EXPECT(types_workspace_new(NULL, &dims, NULL, &workspace) == ONNX_BRIDGE_ARGUMENT);
   EXPECT(types_workspace_new(model, &dims, NULL, &workspace) == ONNX_BRIDGE_OK);
   EXPECT(types_infer(NULL, workspace, &dims, flags, half, bytes, wide, places, twice, others, inverse, product) == ONNX_BRIDGE_ARGUMENT);
   EXPECT(types_infer(model, workspace, &dims, flags, half, bytes, wide, places, twice, others, inverse, product) == ONNX_BRIDGE_OK);
   types_found(workspace, &found);
   EXPECT(found.find_count == 3 && types_filled(workspace, 0, -1) == 3 && types_filled(workspace, 0, 1) == 3);
   EXPECT(types_output_size(0, &dims) == 4 && types_output_size(3, NULL) == 3 && types_output_size(9, &dims) == 0);
   EXPECT(places[0] == 0 && places[1] == 2 && places[2] == 3);
   EXPECT(twice[0] == 0x4000 && twice[1] == 0 && twice[2] == 0xc400 && twice[3] == 0x3c00);
   EXPECT(!others[0] && others[1] && !others[2] && inverse[0] == 255 && inverse[2] == 0);
   EXPECT(product[0] == 5 && product[3] == 23);
   dims.N = -1;
   EXPECT(types_infer(model, workspace, &dims, flags, half, bytes, wide, places, twice, others, inverse, product) == ONNX_BRIDGE_REFUSED);
   EXPECT(types_output_size(0, &dims) == 0 && types_workspace_bytes(NULL) <= types_workspace_bytes(&dims));
   EXPECT(types_inputs(&count)[1].rank == 1 && count == 4 && !strcmp(types_inputs(NULL)[1].name, "half"));
   EXPECT(!strcmp(types_outputs(&count)[3].type, "uint8") && count == 5 && types_outputs(NULL)[4].shape[0] == -1);
   types_workspace_free(workspace);
   types_close(model);
   types_close(NULL);
   types_workspace_free(NULL);
   return 0;
}

static int words(void)
{
   texts_model* model = NULL;
   texts_workspace* workspace = NULL;
   texts_dims dims = {1, 4};
   texts_sizes found;
   const onnx_bridge_text x[4] = {{"one", 3}, {"a\0b", 3}, {NULL, 0}, {"four", 4}};
   onnx_bridge_text y[4];

   EXPECT(texts_open(NULL, 0, &model, NULL, 0) == ONNX_BRIDGE_OK);
   EXPECT(texts_workspace_new(model, &dims, NULL, &workspace) == ONNX_BRIDGE_OK);
   EXPECT(texts_infer(model, workspace, &dims, x, y) == ONNX_BRIDGE_TOO_SMALL);
   texts_found(workspace, &found);
   EXPECT(found.text_bytes_needed == 8);
   dims.N = 2;
   dims.text_bytes = 100;
   EXPECT(texts_infer(model, workspace, &dims, x, y) == ONNX_BRIDGE_TOO_SMALL);
   texts_workspace_free(workspace);
   EXPECT(texts_workspace_new(model, &dims, NULL, &workspace) == ONNX_BRIDGE_OK);
   EXPECT(texts_infer(model, workspace, &dims, x, y) == ONNX_BRIDGE_OK);
   EXPECT(y[0].size == 4 && !memcmp(y[0].data, "one!", 4) && y[1].size == 4 && !memcmp(y[1].data, "a\0b!", 4));
   EXPECT(y[2].size == 1 && y[3].size == 5 && !memcmp(y[3].data, "four!", 5));
   dims.N = INT64_MIN;
   EXPECT(texts_infer(model, workspace, &dims, x, y) == ONNX_BRIDGE_REFUSED);
   texts_workspace_free(workspace);
   texts_close(model);
   return 0;
}

static int no_sizes(void)
{
   still_model* model = NULL;
   still_workspace* workspace = NULL;
   const float x[3] = {1, 2, 3};
   float y[3] = {0, 0, 0};
   const void* inputs[1];
   void* outputs[1];

   inputs[0] = x;
   outputs[0] = y;
   EXPECT(still_open_memory(NULL, 0, 0, &model, NULL, 0) == ONNX_BRIDGE_OK);
   EXPECT(still_workspace_new(model, NULL, NULL, &workspace) == ONNX_BRIDGE_OK);
   EXPECT(still_infer_arrays(model, workspace, NULL, inputs, outputs) == ONNX_BRIDGE_OK && y[2] == -3);
   EXPECT(still_infer(model, workspace, NULL, x, y) == ONNX_BRIDGE_OK && y[0] == -1);
   EXPECT(strlen(still_message(ONNX_BRIDGE_TOO_SMALL)) > 9 && !strcmp(still_message(99), "this is no status"));
   still_workspace_free(workspace);
   still_close(model);
   return 0;
}

int main(void) { return numbers() || words() || no_sizes(); }
