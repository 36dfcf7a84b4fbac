/* Reads results from buffers by name, with no header of ours.
 *
 *   cc read_results.c -o read_results $(pkg-config --cflags --libs gstreamer-1.0)
 *   ./read_results FILE
 *
 * Prints a line per result: channel, start and end in seconds, revision, id. */
#include <gst/gst.h>
#include <string.h>

static void show(const GstStructure *holder, guint *count)
{
    const GValue *results = gst_structure_get_value(holder, "results");
    for (guint i = 0; results != NULL && i < gst_value_array_get_size(results); i++) {
        const GstStructure *r = gst_value_get_structure(gst_value_array_get_value(results, i));
        guint64 start = 0, end = 0;
        gint channel = -1;
        guint revision = 0;
        gst_structure_get_uint64(r, "start-time", &start);
        gst_structure_get_uint64(r, "end-time", &end);
        gst_structure_get_int(r, "channel", &channel);
        gst_structure_get_uint(r, "revision", &revision);
        g_print("channel %d  %7.2f to %7.2f s  revision %u  %s  %u bytes of JSON\n", channel, start / 1e9, end / 1e9,
                revision, gst_structure_get_string(r, "id"), (guint) strlen(gst_structure_get_string(r, "json")));
        (*count)++;
    }
}

static GstPadProbeReturn on_data(GstPad *pad, GstPadProbeInfo *info, gpointer user)
{
    (void) pad;
    if (info->type & GST_PAD_PROBE_TYPE_BUFFER) {
        GstCustomMeta *meta = gst_buffer_get_custom_meta(GST_PAD_PROBE_INFO_BUFFER(info), "AffectResults");
        if (meta != NULL)
            show(gst_custom_meta_get_structure(meta), user);
    } else {
        /* Results that end with the stream find no buffer: they come as an event. */
        GstEvent *event = GST_PAD_PROBE_INFO_EVENT(info);
        if (gst_event_has_name(event, "affect/results"))
            show(gst_event_get_structure(event), user);
    }
    return GST_PAD_PROBE_OK;
}

int main(int argc, char **argv)
{
    guint count = 0;
    gst_init(&argc, &argv);
    if (argc < 2) {
        g_printerr("usage: %s FILE\n", argv[0]);
        return 2;
    }
    GstElement *pipeline =
        gst_parse_launch("filesrc name=file ! decodebin ! affectfeatures ! fakesink name=sink", NULL);
    if (pipeline == NULL) {
        g_printerr("the plugin is not found: set GST_PLUGIN_PATH\n");
        return 1;
    }
    GstElement *file = gst_bin_get_by_name(GST_BIN(pipeline), "file");
    GstElement *sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
    GstPad *pad = gst_element_get_static_pad(sink, "sink");
    g_object_set(file, "location", argv[1], NULL);
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_data, &count, NULL);
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *end = gst_bus_timed_pop_filtered(bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    gboolean failed = GST_MESSAGE_TYPE(end) == GST_MESSAGE_ERROR;
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_message_unref(end);
    gst_object_unref(bus);
    gst_object_unref(pad);
    gst_object_unref(sink);
    gst_object_unref(file);
    gst_object_unref(pipeline);
    return failed || count == 0;
}
